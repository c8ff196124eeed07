"""The tables that repeat what others have said (读模型): they may be made anew from the logs.

What our own closes, lists and publications said stands in other tables, and is made anew by nobody.
"""

from __future__ import annotations

from typing import Any, Final

from shared.store.twins import Table

TABLES: Final = (
    Table("registers", ("kind", "id")),
    Table("lines", ("order_id", "line_id"), counted=("revision",), kept_in="past_lines"),
    Table("waiting", ("order_id", "line_id")),
    Table("orders", ("order_id",)),
    Table("tickets", ("ticket_id",), counted=("revision",), kept_in="past_tickets"),
)
"""In the order in which a fold writes them."""

SHADOWS: Final = ("publications",)
"""A row made anew belongs to no publication yet: the one that it replaces says to which."""

_HOLD: Final = f"LOCK TABLE {', '.join(table.name for table in TABLES)} IN ACCESS SHARE MODE"


async def hold_tables(tx: Any) -> None:
    """Nobody switches the tables until the transaction ends; before its snapshot is taken.

    A table switched in behind a snapshot would look empty on it.
    """
    await tx.execute(_HOLD)
