"""Exact decimals as integers: quantities, prices, amounts (数量, 单价, 金额).

Quantities are ten-thousandths of a unit, prices ten-thousandths of a yuan, amounts whole fen.
"""

from fractions import Fraction

_SCALE = 10_000
_DECIMALS = 4
# A trillion units: sums over many facts stay within what a PostgreSQL bigint holds.
_WHOLE_DIGITS = 12
FEN = 1_000_000
"""Quantity times price is in hundred-millionths of a yuan, so a fen is a million of them (分)."""


def parse_quantity(text: str, *, zero: bool = False) -> int:
    """Read a decimal string into ten-thousandths (数量)."""
    value = _parse(text)
    if value == 0 and not zero:
        raise ValueError("a quantity of zero")
    return value


def parse_price(text: str) -> int:
    """Read a price in yuan into ten-thousandths; zero is a price (单价)."""
    return _parse(text)


def _parse(text: str) -> int:
    """Read digits, at most one dot, at most four decimals; nothing else."""
    if not isinstance(text, str) or not text.isascii():
        raise ValueError(f"not a decimal string: {text!r:.60}")
    whole, dot, decimals = text.partition(".")
    if not whole.isdigit() or len(whole) > _WHOLE_DIGITS:
        raise ValueError(f"not a decimal string: {text!r:.60}")
    value = int(whole) * _SCALE
    if dot:
        if not decimals.isdigit() or len(decimals) > _DECIMALS:
            raise ValueError(f"not a decimal of at most four places: {text!r:.60}")
        value += int(decimals.ljust(_DECIMALS, "0"))
    return value


def format_quantity(value: int) -> str:
    """Write ten-thousandths in their shortest form, `125000` as `12.5` (数量)."""
    whole, decimals = divmod(abs(value), _SCALE)
    sign = "-" if value < 0 else ""
    if not decimals:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{decimals:04d}".rstrip("0")


def amount_fen(quantity: int, price: int) -> int:
    """Multiply one line into fen, rounding half up, a return as its mirror image (金额, 分)."""
    product = quantity * price
    if product < 0:
        return -((FEN // 2 - product) // FEN)
    return (product + FEN // 2) // FEN


def half_up(fen: Fraction) -> int:
    """Whole fen of an exact amount that is not negative (四舍五入到分)."""
    return (2 * fen.numerator + fen.denominator) // (2 * fen.denominator)
