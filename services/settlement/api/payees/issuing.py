"""A file is issued (支付文件生成): what is under way in a pool and in no file yet, each once for ever."""

from __future__ import annotations

import secrets

from services.settlement.api.judged import conflict
from services.settlement.api.payees.views import file_line
from services.settlement.domain.payment_file import (
    PaymentFileStream,
    hash_of_rows,
    issued,
    stream_of,
)
from services.settlement.projections.payment_files import PaymentFile, claim_payments, insert_file
from shared.kernel.errors import Problem
from shared.runtime.deciding import Held, decide_together
from shared.runtime.room import Room


async def issue(room: Room, file_id: str, pool: str, by: str) -> bool:
    """Issue this file, or find that it was; whether it is new. A Problem where it cannot be.

    Behind every writer: nothing is ordered, paid or failed while its payments are taken.
    """
    stream = stream_of(file_id)

    async def work(hold: Held) -> bool:
        state = hold.batch.state_of(stream)
        if isinstance(state, PaymentFileStream):
            if state.issued.pool != pool:
                raise conflict()
            return False
        rows = await claim_payments(hold.tx, file_id, pool)
        if not rows:
            raise Problem(
                409,
                "nothing_to_pay",
                "没有待入文件的支付",
                "no payment of this pool waits for a file",
            )
        total = sum(row["from_prepaid_fen"] + row["from_fund_fen"] for row in rows)
        salt = secrets.token_hex(16)
        digest = hash_of_rows(salt, map(file_line, rows))
        file = PaymentFile(file_id, pool, len(rows), total, salt, digest, hold.now, by)
        await insert_file(hold.tx, file)
        hold.batch.record(stream, issued(file_id, pool, len(rows), total, digest, by, hold.now))
        return True

    return await decide_together(room, [stream], work, alone=True)
