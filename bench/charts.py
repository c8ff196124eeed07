"""Pictures of results, drawn by whoever shows the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from bench.goals import FIGURES

_RATIO: Final = re.compile(r"\(([0-9.]+)\) \|")


def growth_chart(points: Mapping[str, str]) -> str:
    """What an event costs in the largest store over the smallest, a bar a kind, under the goal."""
    last = {name.removeprefix("growth_"): _RATIO.findall(row)[-1] for name, row in points.items()}
    goals = [FIGURES[name].bound for name in points]
    highest = max(*goals, *map(float, last.values()))
    return "\n".join(
        (
            "```mermaid",
            "xychart-beta",
            '  title "CPU an event in the largest store over the smallest; the line is the goal"',
            f"  x-axis [{', '.join(last)}]",
            f'  y-axis "ratio" 0 --> {highest + 0.2:.1f}',
            f"  bar [{', '.join(last.values())}]",
            f"  line [{', '.join(map(str, goals))}]",
            "```",
        )
    )
