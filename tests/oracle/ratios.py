"""A rate is two integers; the percent is only how it is shown, and the score is made of fractions.

Readings
- `without_data` names, in the order of the formula, every score rate whose denominator is 0, also
  where the score itself is null.
- A rate above its target gives its full points, one below its floor none.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

# rate -> (points, floor, target)
SCORE = {
    "response": (20, 80, 95),
    "on_time": (30, 70, 90),
    "delivery": (25, 70, 95),
    "feedback": (15, 50, 95),
    "rectification": (10, 0, 100),
}


def two_places(value: Fraction) -> str:
    """Rounded DOWN to two decimals; never negative here."""
    hundredths = value.numerator * 100 // value.denominator
    return f"{hundredths // 100}.{hundredths % 100:02d}"


@dataclass(frozen=True)
class Rate:
    """Numerator and denominator, both integers."""

    numerator: int
    denominator: int

    @property
    def percent(self) -> str | None:
        """As shown; null without data."""
        if self.denominator == 0:
            return None
        return two_places(Fraction(100 * self.numerator, self.denominator))

    def below(self, threshold: int) -> bool:
        """Compared on integers; without data nothing is below anything."""
        return self.denominator > 0 and self.numerator * 100 < threshold * self.denominator

    def shown(self) -> dict[str, Any]:
        """As a scorecard carries it."""
        return {
            "numerator": self.numerator,
            "denominator": self.denominator,
            "percent": self.percent,
        }


def points(rate: Rate, full: int, floor: int, target: int) -> Fraction:
    """Nothing at the floor, full at the target, linear between; full without data."""
    if rate.denominator == 0:
        return Fraction(full)
    percent = Fraction(100 * rate.numerator, rate.denominator)
    share = (percent - floor) / (target - floor)
    return full * min(max(share, Fraction(0)), Fraction(1))


def score(rates: dict[str, Rate]) -> tuple[str | None, list[str]]:
    """`score.v1` as a string (null without response or on-time data) and what it lacked."""
    lacking = [name for name in SCORE if rates[name].denominator == 0]
    if "response" in lacking or "on_time" in lacking:
        return None, lacking
    total = sum((points(rates[name], *terms) for name, terms in SCORE.items()), Fraction(0))
    return two_places(total), lacking
