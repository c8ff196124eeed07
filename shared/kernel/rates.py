"""A rate is two counts; what one publishes is never stored (比率)."""

import msgspec


class Rate(msgspec.Struct, frozen=True):
    """So many of so many (比率: 分子, 分母)."""

    numerator: int
    denominator: int

    @property
    def percent(self) -> str | None:
        """Give the percentage rounded down to two decimals, None where nothing was counted."""
        if self.denominator == 0:
            return None
        whole, hundredths = divmod(self.numerator * 10_000 // self.denominator, 100)
        return f"{whole}.{hundredths:02d}"

    def below(self, percent: int) -> bool:
        """Compare with a threshold on integers; nothing counted is below nothing (低于阈值)."""
        return self.denominator != 0 and self.numerator * 100 < percent * self.denominator

    def document(self) -> dict[str, int | str | None]:
        """Write the rate as it is published (发布格式)."""
        return {
            "numerator": self.numerator,
            "denominator": self.denominator,
            "percent": self.percent,
        }
