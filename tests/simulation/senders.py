"""The senders (上报方): what they post, what they were answered, and what they may expect of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from services.feedback.commands import OpenTicket, Reply
from shared.kernel.decider import Sent
from shared.runtime.judging import Verdict
from tests.simulation.journal import Crash, Journal
from tests.simulation.steps import Post, Resend

Identity = tuple[str, str]


class Senders:
    """Hospitals, distributors, makers and bureaus, with the ids they keep."""

    def __init__(self, journals: dict[str, Journal]) -> None:
        self._journals = journals
        self.posted: list[tuple[str, Sent]] = []
        self._waiting: dict[str, list[Sent]] = {"orders": [], "feedback": []}
        self.acknowledged: dict[Identity, tuple[str, int, bytes]] = {}
        self.unanswered: dict[Identity, tuple[str, Sent]] = {}
        self.verdicts: list[tuple[str, str, str | None]] = []
        self._refused: dict[Identity, tuple[datetime, int, str]] = {}

    def post(self, step: Post, now: datetime) -> None:
        """Somebody posts, alone or with what waits."""
        log, sent = _sent(step, now)
        self.posted.append((log, sent))
        self._waiting[log].append(sent)
        if not step.waits:
            self._deliver(log, now, step.crash)

    def resend(self, step: Resend, now: datetime) -> None:
        """Somebody posts again; of other content only what was acknowledged must be refused."""
        if not self.posted:
            return
        log, sent = self.posted[step.number % len(self.posted)]
        if step.changed:
            if (sent.source, sent.event_id) not in self.acknowledged:
                return
            sent = replace(sent, sha256=sha256(sent.sha256).digest())
        self._send(log, [sent], now, step.crash, changed=step.changed)

    def finish(self, now: datetime) -> None:
        """What waits goes out, and what nobody answered is asked again."""
        for log in self._waiting:
            self._deliver(log, now, None)
        for log, sent in list(self.unanswered.values()):
            self._send(log, [sent], now, None)

    def check_kept(self) -> None:
        """Nothing that was acknowledged is missing, or other than it was sent."""
        for (source, event_id), (log, position, content) in self.acknowledged.items():
            journal = self._journals[log]
            record = journal.log[position]
            assert (record.source, record.event_id) == (source, event_id), f"{event_id} is missing"
            assert journal.hashes[position] == content, f"{event_id} was recorded otherwise"

    def _deliver(self, log: str, now: datetime, crash: str | None) -> None:
        batch, self._waiting[log] = self._waiting[log], []
        if batch:
            self._send(log, batch, now, crash)

    def _send(
        self,
        log: str,
        batch: Sequence[Sent],
        now: datetime,
        crash: str | None,
        *,
        changed: bool = False,
    ) -> None:
        try:
            verdicts = self._journals[log].handle(batch, now, crash)
        except Crash:
            if not changed:
                self.unanswered.update({(s.source, s.event_id): (log, s) for s in batch})
            return
        for sent, verdict in zip(batch, verdicts, strict=True):
            code = None if verdict.refusal is None else verdict.refusal.code
            self.verdicts.append((sent.event_id, verdict.status, code))
            if changed:
                assert code == "conflicting_duplicate", (
                    f"{sent.event_id} with other content was {verdict.status}"
                )
            else:
                self._answered(log, sent, verdict)
                self._compare_refusal(log, sent, now, code)

    def _answered(self, log: str, sent: Sent, verdict: Verdict) -> None:
        identity = (sent.source, sent.event_id)
        self.unanswered.pop(identity, None)
        first = self.acknowledged.get(identity)
        if verdict.position is None:
            assert first is None, f"{sent.event_id} was accepted, and now it is {verdict.refusal}"
            return
        if first is not None:
            assert verdict.status == "duplicate", f"{sent.event_id} was accepted twice"
            assert verdict.position == first[1], f"{sent.event_id} has moved"
        self.acknowledged[identity] = (log, verdict.position, sent.sha256)

    def _compare_refusal(self, log: str, sent: Sent, now: datetime, code: str | None) -> None:
        """What was refused, and is sent again when nothing has happened since, is refused alike."""
        identity, told = (sent.source, sent.event_id), len(self._journals[log].log)
        before = self._refused.get(identity)
        if before is not None and before[:2] == (now, told):
            assert before[2] == code, f"{sent.event_id} was {before[2]}, and is {code} at once"
        if code is not None:
            self._refused[identity] = (now, told, code)


def _sent(step: Post, now: datetime) -> tuple[str, Sent]:
    role, organisation = step.sender.split(":")
    command, log = step.command, "orders"
    if isinstance(command, OpenTicket):
        stream, log = command.ticket_id, "feedback"
    elif isinstance(command, tuple):
        (stream, command), log = command, "feedback"
        if command is Reply:
            promised = now + timedelta(hours=step.hours)
            command = Reply(promised_at=promised, by=step.sender)
    else:
        stream = command.order_id
    content = sha256(f"{step.event_id} {now - step.age} {command!r}".encode()).digest()
    sent = Sent(
        stream, f"urn:jicai:{organisation}", step.event_id, step.type, now - step.age, content,
        b"", command, role, organisation,
    )  # fmt: skip
    return log, sent
