"""How distributors and hospitals behave: a handful of characters, each a few shares and hours.

A scorecard is only worth reading if the companies behind it differ. The shares are chosen so that
the province as a whole lands near its own bulletins: about 94 % answered, about 86 % on time.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Character:
    """A distributor's (配送企业) manner. Shares are probabilities per order unless said otherwise."""

    label: str
    answers_within: tuple[float, float]
    """Typical hours until the answer: shortest, longest."""
    answers_late: float
    """After the 48 hours (超48小时响应)."""
    stays_silent: float
    """Never answers; may deliver all the same."""
    refuses: float
    """Per line."""
    lead_days: tuple[int, ...]
    """Working days until arrival, drawn evenly; more than three is late."""
    in_parts: float
    """Per line: the ordered quantity comes in two deliveries, or the second never."""
    second_part_comes: float
    delivers_too_much: float
    """Per line."""
    shows_proof: float
    reports_late: float
    """Arrivals that reach the platform more than a day after they happened (补报)."""
    abandons: float
    """Never dispatches: the lines become void (作废) by themselves."""
    resends: float
    """Its system sends the same event again."""
    muddles: float
    """... and sometimes again with other content."""
    invoices: float
    invoices_wrongly: float


@dataclass(frozen=True, slots=True)
class Habits:
    """A hospital's manner."""

    receives_within: tuple[float, float]
    """Hours from arrival to the receipt (验收)."""
    forgets_receipt: float
    states_arrival: float
    """The receipt says when the goods came."""
    rejects: float
    """Per line."""
    cancels: float
    returns: float
    emergencies: float
    enters_later: float
    """Orders by telephone that are entered days later (补录)."""


PROMPT = Character(
    "守时", (0.3, 6), 0.01, 0.0, 0.01, (1, 1, 1, 2, 2, 2, 3),
    0.02, 1.0, 0.0, 0.95, 0.01, 0.0, 0.01, 0.0, 0.98, 0.01,
)  # fmt: skip
STEADY = Character(
    "平稳", (1, 30), 0.02, 0.01, 0.02, (1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4),
    0.02, 0.95, 0.01, 0.85, 0.03, 0.005, 0.02, 0.0, 0.95, 0.03,
)  # fmt: skip
SLOPPY = Character(
    "马虎", (2, 47), 0.12, 0.03, 0.03, (1, 2, 2, 2, 3, 3, 3, 3, 4, 5),
    0.06, 0.8, 0.06, 0.4, 0.10, 0.02, 0.10, 0.05, 0.85, 0.12,
)  # fmt: skip
REFUSER = Character(
    "挑单", (1, 20), 0.05, 0.02, 0.12, (1, 1, 2, 2, 2, 3, 3, 4),
    0.03, 0.9, 0.0, 0.8, 0.04, 0.01, 0.02, 0.0, 0.95, 0.03,
)  # fmt: skip
HOARDER = Character(
    "压货", (1, 24), 0.03, 0.01, 0.02, (1, 2, 2, 3, 3),
    0.28, 0.6, 0.0, 0.8, 0.05, 0.02, 0.02, 0.0, 0.95, 0.05,
)  # fmt: skip
SILENT = Character(
    "不吭声", (3, 40), 0.10, 0.20, 0.01, (1, 2, 2, 2, 3, 3),
    0.04, 0.9, 0.01, 0.5, 0.06, 0.02, 0.02, 0.0, 0.9, 0.05,
)  # fmt: skip
VANISHER = Character(
    "爽约", (4, 46), 0.08, 0.06, 0.05, (1, 2, 3, 3, 3, 4, 6),
    0.06, 0.6, 0.0, 0.6, 0.10, 0.10, 0.03, 0.0, 0.9, 0.05,
)  # fmt: skip

HABITS = {
    "tertiary": Habits((1, 30), 0.01, 0.6, 0.02, 0.02, 0.03, 0.04, 0.005),
    "secondary": Habits((2, 60), 0.02, 0.4, 0.02, 0.02, 0.02, 0.03, 0.01),
    "primary": Habits((10, 140), 0.05, 0.2, 0.02, 0.03, 0.01, 0.02, 0.03),
}

REFUSALS = ("out_of_stock", "out_of_stock", "out_of_stock", "too_far", "order_too_small")
REJECTIONS = ("damaged", "near_expiry", "wrong_product", "temperature", "no_longer_needed")
CANCELLATIONS = ("录入错误", "患者出院", "库存充足", "科室改用其他规格")
RETURNS = ("近效期", "包装破损", "批号印刷不清晰", "滞销")


def happens(rng: Random, share: float) -> bool:
    return rng.random() < share


def between(rng: Random, span: tuple[float, float]) -> float:
    """Hours between two bounds, more often near the lower: most people are not at their limit."""
    low, high = span
    return rng.triangular(low, high, low + (high - low) * 0.2)
