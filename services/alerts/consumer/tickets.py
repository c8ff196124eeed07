"""The part of tickets (工单折叠): facts of feedback become a row per ticket, in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from services.alerts.domain.concentration import Opened
from services.alerts.domain.feedback import ticket_outcome
from services.alerts.domain.ticket import (
    NOTHING_TOLD,
    Opening,
    TicketFacts,
    TicketPart,
    absorb_told,
    part_of,
    ticket_from_bytes,
    ticket_to_bytes,
)
from services.alerts.projections.freezing import count_issued
from services.alerts.projections.tickets import (
    UNOPENED,
    KnownTicket,
    Row,
    TicketSubject,
    keep_tickets,
    load_tickets,
    put_tickets,
)
from shared.events.envelope import Record, cause_of
from shared.events.feedback import (
    DEADLINE_MOVED,
    FACTS,
    REOPENED,
    REPLIED,
    SOLVED,
    TICKET_OPENED,
    TicketFact,
)
from shared.kernel.clock import local_day
from shared.kernel.codes import division_of

_HEARD: Final = (TICKET_OPENED, REPLIED, SOLVED, REOPENED, DEADLINE_MOVED)
"""Supervision, confirmation and closing decide no figure."""

_DECODERS: Final[dict[str, msgspec.json.Decoder[TicketFact]]] = {
    type_: msgspec.json.Decoder(FACTS[type_]) for type_ in _HEARD
}


class HeardTickets(msgspec.Struct):
    """What a batch says, ticket by ticket, in the order in which it was heard."""

    parts: dict[str, list[TicketPart]] = {}
    subjects: dict[str, TicketSubject] = {}

    @property
    def openings(self) -> list[tuple[str, Opening]]:
        """Product and opening of every ticket that the batch opens."""
        return [
            (self.subjects[ticket_id].product_id, part)
            for ticket_id, parts in self.parts.items()
            for part in parts
            if isinstance(part, Opening)
        ]


OpenedOn = Mapping[str, Sequence[Opened]]
"""By product: the tickets that a batch was the first to open, in the order of their arrival."""


def hear_tickets(records: Sequence[Record]) -> HeardTickets:
    """Decode a batch and sort what it says by ticket (拆分)."""
    heard = HeardTickets()
    for record in records:
        decoder = _DECODERS.get(record.type)
        if decoder is None:
            continue
        fact = decoder.decode(record.fact)
        part = part_of(record.version, cause_of(record), fact)
        if part is not None:
            heard.parts.setdefault(fact.ticket_id, []).append(part)
            heard.subjects[fact.ticket_id] = _subject(fact)
    return heard


async def fold_tickets(tx: Any, heard: HeardTickets) -> OpenedOn:
    """Take what was heard into the rows; the tickets that were not known to be open (折叠)."""
    if not heard.parts:
        return {}
    issued = await count_issued(tx)
    ids = sorted(heard.parts)
    while (opened := await _write(tx, heard, await load_tickets(tx, ids), issued)) is None:
        pass
    return opened


async def _write(
    tx: Any, heard: HeardTickets, known: Mapping[str, KnownTicket], issued: int
) -> OpenedOn | None:
    """Absorb and write what changed; None when another owner wrote one of the tickets meanwhile."""
    rows: dict[str, Row] = {}
    opened: dict[str, list[Opened]] = {}
    published: list[str] = []
    for ticket_id, parts in heard.parts.items():
        row, subject = known.get(ticket_id), heard.subjects[ticket_id]
        before = NOTHING_TOLD if row is None else ticket_from_bytes(row.facts)
        facts = before
        for part in parts:
            facts = absorb_told(facts, part)
        if facts is before:
            continue
        revision = 1 if row is None else row.revision + 1
        rows[ticket_id] = _row(ticket_id, revision, issued, facts, subject)
        if row is not None and row.since < issued:
            published.append(ticket_id)
        if before.opening is None and facts.opening is not None:
            one = Opened(facts.opening.at, ticket_id, subject.hospital_id, subject.division)
            opened.setdefault(subject.product_id, []).append(one)
    await keep_tickets(tx, sorted(published), issued)
    return opened if await put_tickets(tx, rows) == len(rows) else None


def _row(
    ticket_id: str, revision: int, issued: int, facts: TicketFacts, subject: TicketSubject
) -> Row:
    outcome, opening = ticket_outcome(facts), facts.opening
    told: tuple[Any, ...] = UNOPENED
    if outcome is not None and opening is not None:
        told = (*outcome, opening.at, local_day(opening.at), opening.category)
    return (ticket_id, revision, issued, *told, *subject, ticket_to_bytes(facts))


def _subject(fact: TicketFact) -> TicketSubject:
    return TicketSubject(
        fact.product_id,
        fact.hospital_id,
        division_of(fact.hospital_id),
        fact.hospital_level,
        fact.product_category,
        " ".join(sorted(set(fact.addressees))),
    )
