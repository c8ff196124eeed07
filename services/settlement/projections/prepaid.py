"""What has become of prepayments (预付使用情况): the oldest is drawn first."""

from __future__ import annotations

from typing import Any, Final

# Draws are credits that reverse nothing, and what payments under way have reserved; what was reversed
# itself can be drawn no more.
_UNTOUCHED: Final = """
WITH prepaid AS (
    SELECT e.entry_id, e.reverses, e.at, e.number, p.debit_fen, p.credit_fen
    FROM postings p JOIN entries e USING (entry_id)
    WHERE p.account = $1 AND p.account LIKE 'hospital:%:prepaid')
SELECT (SELECT coalesce(sum(credit_fen), 0) FROM prepaid WHERE reverses IS NULL)
     + (SELECT coalesce(sum(y.from_prepaid_fen), 0) FROM payments y
        WHERE y.hospital_id = split_part($1, ':', 2)
          AND y.state = 'paying' AND y.from_prepaid_fen > 0)
    <= (SELECT coalesce(sum(o.debit_fen), 0) FROM prepaid o
        WHERE (o.at, o.number) < (this.at, this.number)
          AND NOT EXISTS (SELECT FROM prepaid r WHERE r.reverses = o.entry_id))
FROM prepaid this WHERE this.entry_id = $2"""


async def is_untouched(connection: Any, account: str, entry_id: str) -> bool:
    """Whether nothing of this prepayment is drawn or reserved: what older ones hold covers every draw.

    Ask behind the hospital's lock, for a payment may be ordered meanwhile.
    """
    untouched: bool | None = await connection.fetchval(_UNTOUCHED, account, entry_id)
    return untouched is not False
