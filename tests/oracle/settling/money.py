"""Money: integer fen, worked on exact fractions and rounded once (section 1).

Readings
- Half up means away from nothing for what is positive; no negative number is ever rounded, for a
  return's amount is rounded first and negated then.
"""

from decimal import Decimal
from fractions import Fraction
from math import floor

Number = str | Decimal | Fraction


def half_up(exact: Fraction) -> int:
    """The nearest whole number; a half goes up."""
    if exact < 0:
        raise ValueError("nothing negative is rounded")
    return floor(exact + Fraction(1, 2))


def line_fen(quantity: Number, unit_price: Number) -> int:
    """What a line is worth: quantity x unit price in yuan, rounded half up to the fen."""
    return half_up(Fraction(quantity) * Fraction(unit_price) * 100)
