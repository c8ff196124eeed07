"""Our `orders` without group commit: every request is a transaction. `python -m bench.each_app serve orders`.

All else is the same program; as many requests are in hand as its pool has connections for.
"""

from __future__ import annotations

from jicai.cli import main
from shared.runtime import desk

desk.JOINED_MAX = 0
assert desk.Desk.__init__.__kwdefaults__ is not None
desk.Desk.__init__.__kwdefaults__["workers"] = 3

if __name__ == "__main__":
    main()
