"""Accounts, files and the bank's sheets as rules: no database, no door."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.settlement.api.payees.answers import ROWS_MAX, listed, tabled
from services.settlement.api.payees.sheet import ANSWER, COLUMNS, sheet
from services.settlement.domain.payee import PayeeStream, block, evolve, set_account, unblock
from services.settlement.domain.payment_file import hash_of_rows
from services.settlement.projections.payees import Account
from shared.events.payees import FACTS
from shared.kernel.errors import Problem, Refusal
from shared.runtime.downloads import defused
from shared.testing.postgres import MONDAY

PAYEE, BY = "91360000MA00000D15", "finance:360000/qian"
ACCOUNT = Account(
    "某某医药有限公司", "6222021502012345678", "工商银行南昌分行", "102421000013", None, None
)


def played(*acts: Any) -> tuple[PayeeStream, list[str]]:
    """An account after these acts, each `(rule, argument)`; and what was told."""
    state: PayeeStream | None = None
    told: list[str] = []
    for rule, argument in acts:
        decided = rule(state, PAYEE, argument, BY, MONDAY)
        for one in decided if isinstance(decided, list) else [decided]:
            state = evolve(state, one.fact)
            told.append(one.event_id)
    assert state is not None
    return state, told


def test_a_fact_names_the_last_four_characters_of_a_number_and_no_more() -> None:
    decided = set_account(None, PAYEE, ACCOUNT.told(1), BY, MONDAY)
    text = msgspec.json.encode([decided.data, decided.fact]).decode()
    assert ACCOUNT.account_number not in text
    assert '"5678"' in text
    assert ACCOUNT.account_number[:-4] not in text


def test_a_block_outlives_another_account() -> None:
    state, told = played(
        (set_account, ACCOUNT.told(1)), (block, "异常"), (set_account, ACCOUNT.told(2))
    )
    assert (state.is_blocked, state.account.version) == (True, 2)
    assert told == [f"payee-{PAYEE}-{n}" for n in (1, 2, 3)], "each fact has an id of its own"


def test_the_same_act_again_is_nothing_and_for_another_reason_a_conflict() -> None:
    begun = (set_account, ACCOUNT.told(1))
    state, _ = played(begun)
    with pytest.raises(Refusal, match="wrong_state"):
        unblock(state, PAYEE, "x", BY, MONDAY)
    state, told = played(begun, (block, "a"), (block, "a"), (unblock, "b"), (unblock, "b"))
    assert (state.is_blocked, len(told)) == (False, 3)
    with pytest.raises(Refusal, match="conflicting_duplicate"):
        unblock(state, PAYEE, "a", BY, MONDAY)
    state, _ = played(begun, (block, "a"), (unblock, "a"), (block, "a"))
    assert state.is_blocked, "it is blocked anew, though for the reason of the first time"
    with pytest.raises(Refusal, match="conflicting_duplicate"):
        block(state, PAYEE, "b", BY, MONDAY)


def test_a_hash_stands_for_the_rows_their_order_and_the_salt() -> None:
    rows = [{"payment_id": "p1", "amount": "1.00"}, {"payment_id": "p2", "amount": "2.00"}]
    digest = hash_of_rows("salt", rows)
    assert digest == hash_of_rows("salt", [dict(reversed(row.items())) for row in rows])
    others = [
        hash_of_rows("salts", rows),
        hash_of_rows("salt", rows[::-1]),
        hash_of_rows("salt", rows[:1]),
        hash_of_rows("salt", [rows[0], {**rows[1], "amount": "2.01"}]),
    ]
    assert digest not in others


@pytest.mark.parametrize("type_", FACTS)
def test_every_fact_of_payees_has_a_form_that_reads_back(type_: str) -> None:
    form = FACTS[type_]
    assert form.__doc__
    assert msgspec.json.schema(form)


def a_line(**more: str | None) -> dict[str, Any]:
    return {**{name: None for name, _ in COLUMNS}, "payment_id": "p1", "amount": "1.00", **more}


def a_file(*lines: dict[str, Any]) -> dict[str, Any]:
    head = {"file_id": "F1", "payments": len(lines), "total": "1.00", "sha256": "00"}
    return {**head, "lines": list(lines)}


_VISIBLE = st.text(st.characters(exclude_categories=("Z", "C")), max_size=12)


@given(_VISIBLE, st.sampled_from("=+-@'"))
def test_no_cell_begins_a_formula_and_reading_takes_one_apostrophe_off(
    text: str, begins: str
) -> None:
    risky = begins + text
    assert defused(risky) == f"'{risky}"
    table = io.StringIO()
    rows = [["支付编号", "结果", "银行流水号"], ["p1", "成功", defused(risky)]]
    csv.writer(table).writerows(rows)
    [(_, row)] = tabled(table.getvalue().encode())
    assert row["bank_reference"] == risky


def test_the_sheet_ends_in_a_sum_and_has_room_for_the_answer() -> None:
    answer = sheet(a_file(a_line(remark="=1+1")), "csv", "zh")
    header, row, total = csv.reader(io.StringIO(bytes(answer.body).decode("utf-8-sig")))
    assert header[-len(ANSWER) :] == [zh for _, zh in ANSWER]
    assert row[len(COLUMNS) - 1] == "'=1+1"
    assert total[0] == "合计"
    assert all(not cell or cell[0] not in "=+-@" for line in (row, total) for cell in line)


def test_a_row_without_a_result_waits_and_a_sum_is_no_payment() -> None:
    table = "备注,支付编号,结果,入账日\n\nx,p1,成功,2026年2月9日\nx,p2,,\n,合计,2 笔,\n,p3,退票,20260210\n"
    assert tabled(table.encode("gb18030")) == [
        (3, {"payment_id": "p1", "result": "paid", "value_date": "2026-02-09"}),
        (6, {"payment_id": "p3", "result": "failed", "value_date": "2026-02-10"}),
    ]
    [(_, row)] = tabled(b"payment_id,result,value_date\np1,PAID,gone\n")
    assert (row["result"], row["value_date"]) == ("paid", "gone"), "what is no day is refused later"


def test_more_rows_than_a_file_may_answer_are_refused() -> None:
    header = "payment_id,result\n"
    assert len(tabled((header + "p,paid\n" * ROWS_MAX).encode())) == ROWS_MAX
    with pytest.raises(Problem, match="batch_too_large"):
        tabled((header + "p,paid\n" * (ROWS_MAX + 1)).encode())
    with pytest.raises(Problem, match="batch_too_large"):
        listed(msgspec.json.encode([{}] * (ROWS_MAX + 1)))
