"""Every promise of docs/guarantees.md names tests that are there, and are tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guarantees.md"


def rows() -> list[tuple[str, str]]:
    """Promise and what holds it, of every row of the page's table."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    found = []
    for line in lines[1:]:
        promise, _, held_by = (cell.strip() for cell in line.strip("|").split(" | "))
        found.append((promise, held_by))
    return found


def named(held_by: str) -> list[Path]:
    """The places in backticks; one without a folder stands in that of the place before it."""
    found: list[Path] = []
    for text in re.findall(r"`([^`]+)`", held_by):
        if "/" not in text and not text.endswith(".py"):
            continue  # a figure of the bench
        found.append(ROOT / text if "/" in text else found[-1].parent / text)
    return found


def how_many_in(place: Path) -> int:
    files = sorted(place.rglob("test_*.py")) if place.is_dir() else [place]
    trees = [ast.parse(file.read_text("utf-8")) for file in files if file.suffix == ".py"]
    return sum(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        for tree in trees
        for node in ast.walk(tree)
    )


def test_the_page_is_read_as_it_is_meant() -> None:
    assert len(rows()) > 50
    assert how_many_in(Path(__file__)) == 2


@pytest.mark.parametrize(("promise", "held_by"), rows())
def test_what_holds_a_promise_is_there(promise: str, held_by: str) -> None:
    places = named(held_by)
    assert places, f"nothing holds: {promise}"
    missing = [str(place.relative_to(ROOT)) for place in places if not place.exists()]
    assert not missing, f"{promise}: {missing}"
    assert sum(map(how_many_in, places)) > 0, f"{promise}: no test in {places}"
