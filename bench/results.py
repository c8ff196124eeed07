"""RESULTS.md: every figure, written by the program that measured it. A row is replaced by name.

The file is its own store: a run that measures one thing leaves all other rows as they stand, so
each row says when it was measured and how busy the machine was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.charts import growth_chart
from bench.goals import CHAPTERS, FIGURES
from bench.pairs import Line
from bench.weather import flush_micros, hardware, load_average, now

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
POINTS: Final = "Growth, point by point"
"""The one chapter with other columns."""
_ROW: Final = re.compile(r"^\| `(\w+)` \|")
_COLUMNS: Final = (
    "| name | what | goal | ratio [low–high] | reached | load | measured | absolute |\n"
    "|---|---|---|---|---|---|---|---|"
)
_POINT_COLUMNS: Final = (
    "| name | 0.1 M | 1 M | 3 M | 10 M | % a million events [95 %] |\n|---|---|---|---|---|---|"
)
_HEAD: Final = """# Results

Written by `python -m bench --record`; nobody edits it. What is measured, and how: [docs/performance.md](../docs/performance.md).
A ratio is the median of interleaved rounds with the least and the greatest. Load is the load average
of the minute before and after; a machine of its own shows two to four.

| machine | |
|---|---|
| hardware | {hardware} |
| PostgreSQL | {postgres} |
| broker | {broker} |
| a page on the disk (fdatasync) | {median:.0f} us, 99th of a hundred {worst:.0f} us |
| the run | {begun} to {ended}, Beijing; load average {before:.1f} and {after:.1f} |"""
_WORDS: Final = {True: "yes", False: "**no**", None: "–"}


@dataclass(slots=True)
class Results:
    """The rows of the file by name, those of `POINTS` apart, and what stands above them."""

    head: str = ""
    rows: dict[str, str] = field(default_factory=dict)
    points: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Results:
        """What the file says."""
        head, *chapters = re.split(r"^## ", text, flags=re.MULTILINE)
        found = cls(head.strip())
        for chapter in chapters:
            rows = found.points if chapter.startswith(POINTS) else found.rows
            for line in chapter.splitlines():
                if match := _ROW.match(line):
                    rows[match[1]] = line
        return found

    def record(self, line: Line, loads: tuple[float, float], when: str) -> None:
        """Write one figure in the place of what stood there."""
        figure = FIGURES[line.name]
        cells = (
            f"`{line.name}`",
            figure.what,
            figure.goal or "–",
            f"**{line.ratio:g}** [{line.low:g}–{line.high:g}]",
            _WORDS[figure.is_reached(line.ratio)],
            f"{loads[0]:.1f} → {loads[1]:.1f}",
            when,
            line.note.replace("|", "/"),
        )
        self.rows[line.name] = f"| {' | '.join(cells)} |"
        if line.points:
            self.points[line.name] = f"| `{line.name}` | {' | '.join(line.points)} |"

    def text(self) -> str:
        """The whole file: chapters and rows in the order of the goals."""
        parts = [self.head]
        for title, figures in CHAPTERS.items():
            rows = [self.rows[one.name] for one in figures if one.name in self.rows]
            if rows:
                parts += [f"## {title}", "\n".join([_COLUMNS, *rows])]
        points = {name: self.points[name] for name in FIGURES if name in self.points}
        if points:
            parts += [f"## {POINTS}", growth_chart(points)]
            parts.append("\n".join([_POINT_COLUMNS, *points.values()]))
        return "\n\n".join(parts) + "\n"


def head(directory: Path, postgres: str, broker: str, begun: tuple[str, float]) -> str:
    """What stands above the tables: the machine, and the last run over everything (or the first over anything)."""
    median, worst = flush_micros(directory)
    return _HEAD.format(
        hardware=hardware(), postgres=postgres, broker=broker, median=median, worst=worst,
        begun=begun[0], before=begun[1], ended=now(), after=load_average(),
    )  # fmt: skip


def recorded() -> Results:
    """The file as it stands; empty where there is none."""
    return Results.read(RESULTS.read_text("utf-8") if RESULTS.exists() else "")
