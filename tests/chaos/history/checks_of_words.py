"""Checks of what the parties were told against the logs (应答与日志核对). Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from tests.chaos.history.evidence import Identity, Row, Words


def told_is_true(words: Words, rows: Iterable[Row]) -> Iterator[str]:
    """Accepted stands there once with its content; refused does not; unknown may, once."""
    standing: dict[Identity, list[Row]] = defaultdict(list)
    for row in rows:
        standing[row.identity].append(row)
    for identity, event in words.made.items():
        found = standing[identity]
        if len(found) > 1:
            yield f"{identity} stands {len(found)} times"
        if words.is_accepted(identity):
            if not found:
                yield f"{identity} was acknowledged and is lost"
            yield from _says_so(identity, event, found)
        elif found and not words.unknown[identity]:
            yield f"{identity} was never accepted and stands in the log"
    senders = {source for source, _ in words.made}
    for identity, found in standing.items():
        is_senders = found and found[0].log == "orders" and identity[0] in senders
        if is_senders and identity not in words.made:
            yield f"{identity} stands in the log, and nobody made it"


def _says_so(identity: Identity, event: dict[str, object], found: Iterable[Row]) -> Iterator[str]:
    for row in found:
        if row.data != event["data"] or row.type != event["type"]:
            yield f"{identity} stands with other content than was sent"


def answers_agree(words: Words) -> Iterator[str]:
    """Accepted once, then duplicate for ever, under one position; every event has a last word."""
    for identity in words.made:
        answers = words.answers[identity]
        if not answers:
            yield f"{identity} was never answered"
            continue
        told = [answer["status"] for answer in answers]
        if told.count("accepted") > 1:
            yield f"{identity} was accepted {told.count('accepted')} times"
        positions = {a["position"] for a in answers if a["status"] != "rejected"}
        if len(positions) > 1:
            yield f"{identity} was told positions {sorted(positions)}"
        taken = next((n for n, status in enumerate(told) if status != "rejected"), len(told))
        if "rejected" in told[taken:]:
            yield f"{identity} was taken and then refused: {told}"
    for answer in words.forged:
        if answer.get("code") != "conflicting_duplicate":
            yield f"other content under the id {answer['id']} was answered {answer}"
    for entry in words.odd:
        yield f"an answer nobody should get: {entry['status']} {str(entry['text'])[:200]}"


def acts_stand(words: Words, rows: Iterable[Row]) -> Iterator[str]:
    """Every act on a ticket that was answered with success is a fact; a ticket is opened once."""
    facts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row.log == "feedback":
            facts[row.stream, row.type] += 1
    names = {
        "opened": "opened", "reply": "replied", "solved": "solved",
        "confirm": "confirmed", "reopen": "reopened",
    }  # fmt: skip
    for entry in words.done:
        if "ticket" in entry:
            fact = (f"ticket-{entry['ticket']}", f"jicai.ticket.{names[entry['act']]}.v1")
            if facts[fact] != 1:
                yield f"{entry['act']} of ticket {entry['ticket']} stands {facts[fact]} times"
    for (stream, type_), count in facts.items():
        if type_ == "jicai.ticket.opened.v1" and count > 1:
            yield f"{stream} was opened {count} times"
