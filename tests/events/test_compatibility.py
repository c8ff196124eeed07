"""What was published stays readable: v1 of an event grows by optional members only."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

import msgspec
import pytest

from shared.events.catalogue import CHANNELS, Channel
from shared.testing.compatibility import breaches, snapshot

HERE = Path(__file__).resolve().parent
PUBLISHED = HERE / "published_v1.json"


class Part(msgspec.Struct, kw_only=True, omit_defaults=True):
    line_id: str
    note: str | None = None


class Fact(msgspec.Struct, kw_only=True, omit_defaults=True):
    order_id: str
    count: int
    side: Literal["buyer", "seller"]
    level: Literal["primary", "secondary"] | None = None
    flags: list[str] = []
    lines: list[Part]
    by_line: dict[str, list[str]] = {}
    times: int = 1


def published(fact: Any, type_: str = "jicai.toy.v1", topic: str = "toys") -> dict[str, Any]:
    """The snapshot of a catalogue of one type, once through its JSON."""
    channel = Channel(topic, "", "", "", {type_: fact})
    found: dict[str, Any] = json.loads(json.dumps(snapshot([channel])))
    return found


def changed(name: str = "Fact", *, without: str = "", of: Any = Fact, **members: Any) -> Any:
    """The same structure with members left out, replaced or added: `(form,)` or `(form, default)`."""
    kept = {
        field.name: (field.type,)
        if field.required
        else (field.type, field.default)
        if field.default_factory is msgspec.NODEFAULT
        else (field.type, msgspec.field(default_factory=field.default_factory))
        for field in msgspec.structs.fields(of)
        if field.name != without
    }
    fields = [(member, *form) for member, form in (kept | members).items()]
    return msgspec.defstruct(name, fields, kw_only=True, omit_defaults=True)


def test_what_was_published_can_still_be_read() -> None:
    """The facts of the code against the snapshot; `make publish-events` renews it deliberately."""
    was = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    assert was["topics"].keys() >= {"jicai.orders.v1", "jicai.deliveries.v1", "jicai.reference.v1"}
    assert breaches(was, snapshot(CHANNELS)) == []


def test_the_same_facts_break_nothing_however_they_are_called_and_described() -> None:
    """Names of structures and docstrings are not published."""
    other = changed("Renamed", lines=(list[changed("Section", of=Part)],))
    other.__doc__ = "Other words."
    assert breaches(published(Fact), published(other)) == []


def test_an_added_optional_member_and_an_added_type_break_nothing() -> None:
    """So v1 grows."""
    part = changed("Part", of=Part, weight=(int, 0))
    now = published(changed(colour=(str | None, None), lines=(list[part],)))
    assert breaches(published(Fact), now) == []
    both = snapshot([Channel("toys", "", "", "", {"jicai.toy.v1": Fact, "jicai.new.v1": Part})])
    assert breaches(published(Fact), both) == []


BREAKING: dict[str, tuple[Any, str]] = {
    "a member removed": (changed(without="flags"), ".flags: was removed or renamed"),
    "a required member removed": (changed(without="count"), ".count: was removed or renamed"),
    "a member renamed": (changed(without="count", number=(int,)), ".count: was removed or renamed"),
    "a type changed": (changed(count=(str,)), ".count: the type changed from integer to string"),
    "an element's type changed": (changed(flags=(list[int], [])), ".flags[]: the type changed"),
    "a value's type changed": (changed(by_line=(dict[str, str], {})), ".by_line[]: the type"),
    "one for many": (changed(lines=(Part,)), ".lines: the type changed"),
    "an optional member made required": (changed(flags=(list[str],)), ".flags: is required"),
    "a required member made optional": (changed(count=(int, 0)), ".count: is optional"),
    "a required member may be null": (changed(count=(int | None,)), ".count: the type changed"),
    "a member is never null again": (changed(level=(str, "primary")), ".level: the type changed"),
    "a new member that is required": (changed(colour=(str,)), ".colour: is new and required"),
    "a value removed": (changed(side=(Literal["buyer"],)), ".side: the value 'seller' was removed"),
    "a value added": (
        changed(side=(Literal["buyer", "seller", "carrier"],)),
        ".side: the value 'carrier' is new",
    ),
    "a value removed behind null": (
        changed(level=(Literal["primary"] | None, None)),
        ".level: the value 'secondary' was removed",
    ),
    "another default": (changed(times=(int, 2)), ".times: default changed"),
    "a part's member removed": (
        changed(lines=(list[changed("Part", of=Part, without="note")],)),
        ".lines[].note: was removed or renamed",
    ),
    "a form narrowed": (
        changed(order_id=(Annotated[str, msgspec.Meta(pattern="^H")],)),
        ".order_id: pattern changed",
    ),
}


@pytest.mark.parametrize("what", BREAKING)
def test_a_change_that_breaks_readers_is_caught_at_its_place(what: str) -> None:
    """Each kind alone: nothing else is reported with it."""
    fact, where = BREAKING[what]
    found = breaches(published(Fact), published(fact))
    assert found
    assert any(where in breach for breach in found), found
    member = where[1:].split(":")[0].split(".")[0].removesuffix("[]")
    named = (f".{member}", ".number: is new and required")
    assert all(any(name in breach for name in named) for breach in found), found


def test_a_type_that_is_gone_or_moved_to_another_topic_is_caught() -> None:
    """A reader of the topic waits for it for ever."""
    was = published(Fact)
    gone = "toys jicai.toy.v1: is gone"
    assert breaches(was, published(Fact, type_="jicai.toy.v2")) == [gone]
    assert breaches(was, published(Fact, topic="games")) == [gone]


def test_the_snapshot_is_not_renewed_by_a_breaking_change_unless_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make publish-events` refuses and says where; what stands there stays."""
    tool = _tool()
    place = tmp_path / "published.json"
    monkeypatch.setattr(tool, "PUBLISHED", place)
    monkeypatch.setattr(tool.sys, "argv", ["publish_events.py"])
    monkeypatch.setattr(tool, "CHANNELS", [Channel("toys", "", "", "", {"t": Fact})])
    assert tool.main() == 0
    before = place.read_text(encoding="utf-8")

    broken = changed(without="count")
    monkeypatch.setattr(tool, "CHANNELS", [Channel("toys", "", "", "", {"t": broken})])
    assert tool.main() == 1
    assert "toys t.count: was removed" in capsys.readouterr().out
    assert place.read_text(encoding="utf-8") == before

    monkeypatch.setattr(tool.sys, "argv", ["publish_events.py", "--breaking"])
    assert tool.main() == 0
    assert place.read_text(encoding="utf-8") != before


def _tool() -> ModuleType:
    path = HERE.parents[1] / "tools" / "publish_events.py"
    spec = importlib.util.spec_from_file_location("publish_events", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
