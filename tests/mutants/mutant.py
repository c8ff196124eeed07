"""A mutant: one promise of the product broken on purpose, and the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


class Moved(Exception):
    """The text that a mutant changes does not stand in its file exactly once: the code has moved."""


@dataclass(frozen=True, slots=True)
class Change:
    """One text of one file, and what stands there instead."""

    file: str
    text: str
    instead: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """What it breaks in a sentence, how, and the tests (paths or node ids) of which one must fail."""

    name: str
    breaks: str
    changes: tuple[Change, ...]
    caught_by: tuple[str, ...]

    def files(self, tree: Path) -> dict[str, str]:
        """The changed files of this tree as the mutant would have them; Moved where one has moved."""
        texts: dict[str, str] = {}
        for change in self.changes:
            text = texts.get(change.file) or (tree / change.file).read_text("utf-8")
            found = text.count(change.text)
            if found != 1:
                raise Moved(f"{self.name}: {change.file} has this {found} times:\n{change.text}")
            texts[change.file] = text.replace(change.text, change.instead)
        return texts

    def apply(self, tree: Path) -> None:
        """Break the promise in this tree."""
        for file, text in self.files(tree).items():
            place = tree / file
            place.write_text(text, "utf-8")
            for cached in (place.parent / "__pycache__").glob(f"{place.stem}.*.pyc"):
                cached.unlink()
