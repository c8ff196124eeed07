"""`not_yours`: the source, the role, the parties of an order; and what an importer may."""

from __future__ import annotations

import pytest

from tests.journeys.goods import D2, H2, IMPORTER, OPS, PROVINCE, D, H, M

PLAYED_ON = ("log",)
"""Who is speaking is settled at the door."""


def refused(result, code, pointer=""):
    assert (result["status"], result.get("code")) == ("rejected", code), result
    assert (result.get("pointer") or "").startswith(pointer)


def accepted(result):
    assert result["status"] == "accepted", result


@pytest.mark.parametrize(
    "source",
    [f"urn:jicai:{H2}", f"urn:jicai:{H}x", "urn:jicai:platform", "urn:other", f"urn:jicai:{D}"],
)
def test_a_source_that_is_not_the_callers_own_is_not_yours(market, source):
    result = market.results(f"hospital:{H}", market.tale().placing(source=source))[0]
    refused(result, "not_yours", "/source")


def test_a_source_may_name_a_system(market):
    accepted(market.results(f"hospital:{H}", market.tale().placing(source=f"urn:jicai:{H}:his"))[0])


@pytest.mark.parametrize(
    "actor", [f"distributor:{D}", f"manufacturer:{M}", PROVINCE, OPS, "regulator:360000"]
)
def test_a_type_that_the_role_does_not_send_is_not_yours(market, actor):
    own = f"urn:jicai:{actor.partition(':')[2]}"
    refused(market.results(actor, market.tale().placing(source=own))[0], "not_yours")


def test_a_hospital_neither_answers_nor_dispatches(market):
    tale = market.placed()
    for event in (tale.answering(), tale.dispatching(), tale.arriving(), tale.invoicing()):
        event["source"] = f"urn:jicai:{H}"
        refused(market.results(f"hospital:{H}", event)[0], "not_yours")


def test_a_party_of_another_order_sends_nothing(market):
    tale = market.placed()
    refused(market.tale(H2).place(hospital_id=H, order_id=f"{H}-x"), "not_yours")
    for event in (tale.answering(), tale.dispatching()):
        event["source"] = f"urn:jicai:{D2}"
        refused(market.results(f"distributor:{D2}", event)[0], "not_yours")
    cancelling = tale.cancelling(source=f"urn:jicai:{H2}")
    refused(market.results(f"hospital:{H2}", cancelling)[0], "not_yours")


def test_an_importer_sends_every_type_for_everybody(market):
    tale = market.placed()
    for event in (
        tale.answering(), tale.dispatching(), tale.arriving(), tale.receiving(), tale.returning(),
        tale.settling_return(), tale.invoicing(),
    ):  # fmt: skip
        accepted(tale.send(event, by=IMPORTER))
