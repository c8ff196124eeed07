"""Figures have one source: what the program wrote into RESULTS.md, and what the pages quote of it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bench.goals import FIGURES, Figure
from bench.pairs import Line
from bench.results import Results, recorded

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/performance.md")
_ROW = re.compile(r"^\| `(\w+)` \|(.*)\|$", re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def _measurements() -> set[str]:
    """The names of `python -m bench`, read without importing what only a bench needs."""
    tree = ast.parse((ROOT / "bench" / "__main__.py").read_text("utf-8"))
    table = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and [ast.unparse(target) for target in node.targets] == ["ALL"]
    )
    assert isinstance(table, ast.DictComp)
    names = table.generators[0].iter
    assert isinstance(names, ast.Tuple)
    return {ast.unparse(name) for name in names.elts}


def _line(name: str, ratio: float = 1.0) -> Line:
    return Line(name, ratio, 0.9, 1.1, "a note | with a bar")


def test_every_measurement_gives_a_figure_and_every_figure_has_a_measurement():
    assert {figure.by for figure in FIGURES.values()} == _measurements()


def test_every_figure_stands_in_the_results():
    assert FIGURES.keys() == recorded().rows.keys()


def test_the_results_are_as_the_program_writes_them():
    text = (ROOT / "bench" / "RESULTS.md").read_text("utf-8")
    assert Results.read(text).text() == text


@pytest.mark.parametrize("page", PAGES)
def test_every_number_that_a_page_quotes_of_a_figure_is_the_measured_one(page):
    rows = recorded().rows
    strange = [
        f"{name}: {number}"
        for name, quoted in _ROW.findall((ROOT / page).read_text("utf-8"))
        if name in rows
        for number in _NUMBER.findall(re.sub(r"`[^`]*`", "", quoted))
        if number not in _NUMBER.findall(rows.get(name, ""))
    ]
    assert strange == []


def test_a_figure_measured_again_replaces_its_own_row_and_no_other():
    results = Results("# Results")
    for name in ("restart", "ingest_vs_raw", "growth_relay"):
        results.record(_line(name), (1.0, 2.0), "2026-01-05 09:00")
    before = dict(results.rows)
    again = Results.read(results.text())
    again.record(_line("ingest_vs_raw", 0.5), (1.0, 2.0), "2026-01-06 09:00")
    changed = {name for name, row in again.rows.items() if row != before[name]}
    assert changed == {"ingest_vs_raw"}
    assert list(Results.read(again.text()).rows) == ["ingest_vs_raw", "growth_relay", "restart"]


def test_the_points_of_a_curve_stand_in_a_table_of_their_own():
    line = _line("growth_relay")
    line.points = ("20 us (1.00)", "21 us (1.02)", "–", "–", "+0.10 [-0.20, +0.40]")
    results = Results("# Results")
    results.record(line, (1.0, 2.0), "2026-01-05 09:00")
    again = Results.read(results.text())
    assert again.points == results.points
    assert "+0.10 [-0.20, +0.40]" in again.points["growth_relay"]
    assert again.text() == results.text()
    assert "x-axis [relay]" in again.text()
    assert "bar [1.02]" in again.text(), "the largest store that was measured"


@pytest.mark.parametrize(
    ("goal", "ratio", "is_reached"),
    [("≥ 0.5", 0.5, True), ("≥ 0.5", 0.49, False), ("≤ 2", 2.0, True), ("≤ 2", 2.1, False), ("", 9, None)],
)  # fmt: skip
def test_a_goal_is_a_bound_that_may_be_touched(goal, ratio, is_reached):
    assert Figure("x", "x", "x", goal).is_reached(ratio) is is_reached
