"""The unified social credit code of GB 32100-2015: check character, and made-up valid codes."""

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def check_character(first17: str) -> str:
    """The 18th character: weights are the powers of 3 modulo 31."""
    total = sum(ALPHABET.index(char) * pow(3, place, 31) for place, char in enumerate(first17))
    return ALPHABET[(31 - total % 31) % 31]


def is_uscc(code: object) -> bool:
    """Whether this is an 18-character code of the alphabet with its own check character."""
    if not isinstance(code, str) or len(code) != 18 or any(c not in ALPHABET for c in code):
        return False
    return check_character(code[:17]) == code[17]


def make_uscc(serial: int, division: str = "360100") -> str:
    """A valid code for an invented enterprise; the inner organisation code is not checked."""
    first17 = f"91{division}MA{serial:07d}"
    return first17 + check_character(first17)
