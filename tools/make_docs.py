"""Write the documents that are made from the code: docs/events.md."""

from __future__ import annotations

import inspect
import typing
from pathlib import Path

import msgspec

from services.orders.api.imports.page import import_page
from shared.events import feedback, orders, reference, settlement, topics

ROOT = Path(__file__).resolve().parent.parent

SECTIONS: list[tuple[str, dict[str, type]]] = [
    (topics.ORDERS, {t: orders.FACTS[t] for t in orders.FACTS if t.startswith("jicai.order.")}),
    (
        topics.DELIVERIES,
        {t: orders.FACTS[t] for t in orders.FACTS if not t.startswith("jicai.order.")},
    ),
    (
        topics.REFERENCE,
        {
            **dict.fromkeys(reference.TYPES, reference.ResourcePut),
            reference.CALENDAR_YEAR: reference.CalendarYearLoaded,
        },
    ),
    (topics.FEEDBACK, {feedback.TICKET_OPENED: feedback.TicketOpened}),
    (topics.SETTLEMENT, {settlement.LINE_ACCRUED: settlement.LineAccrued}),
]


def events_page() -> str:
    """The catalogue of facts, topic by topic."""
    parts = [
        "# Facts on the topics\n",
        "Made from `shared/events` by `make docs`. Quantities and prices are integers in",
        "ten-thousandths, instants RFC 3339 in UTC. Members may be added; none is ever removed.\n",
    ]
    for topic, facts in SECTIONS:
        parts.append(f"## `{topic}`\n")
        for type_, struct in facts.items():
            parts.append(f"### `{type_}`\n")
            parts.append(f"{inspect.cleandoc(struct.__doc__ or '')}\n")
            parts.append("| member | type | |\n|---|---|---|")
            for field in msgspec.structs.fields(struct):
                need = "required" if field.required else "optional"
                parts.append(f"| `{field.encode_name}` | {_type(field.type)} | {need} |")
            parts.append("")
    return "\n".join(parts)


def _type(annotation: typing.Any) -> str:
    name = getattr(annotation, "__name__", None) if not typing.get_args(annotation) else None
    text = name or str(annotation)
    for noise in ("typing.", "datetime.", "shared.events.orders.", "shared.events.reference."):
        text = text.replace(noise, "")
    return f"`{text}`".replace("|", "or").replace("NoneType", "null").replace("None", "null")


if __name__ == "__main__":
    (ROOT / "docs" / "events.md").write_text(events_page(), encoding="utf-8")
    (ROOT / "docs" / "import.md").write_text(import_page(), encoding="utf-8")
