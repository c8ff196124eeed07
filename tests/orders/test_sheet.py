"""The answer sheet, without a database: what it shows, and that what it shows comes back."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.api.imports.cells import trimmed
from services.orders.api.imports.kinds import ANSWERS
from services.orders.api.imports.rows import read_sheet
from services.orders.api.sheet import answer_sheet, guarded
from services.orders.domain.order import Line, Order
from shared.runtime.actors import Actor
from shared.runtime.tables import csv_rows, table_rows

HOSPITAL = "H36010200001"
DISTRIBUTOR = Actor("distributor", "91360100MA35KQ1A0U")
MAKER = "91360100MA35KQ1B0T"
SENT = datetime(2026, 1, 5, 1, tzinfo=UTC)


def a_line(line_id, **words):
    return Line(
        line_id, "P-1", 100_0000, "100.0", 38_400, "3.84", words.pop("maker", MAKER), "drug",
        "amlodipine", "main", 38_400, "B1", None, SENT + timedelta(days=3), None, **words,
    )  # fmt: skip


def an_order(*lines, order_id=f"{HOSPITAL}-2026-1"):
    return Order(
        order_id, HOSPITAL, DISTRIBUTOR.organisation, MAKER, SENT, SENT + timedelta(hours=48),
        False, False, None, False, False, {line.line_id: line for line in lines},
    )  # fmt: skip


def rows_of(response):
    return list(table_rows(response.body, rows_max=20_000, columns_max=256))


def csv_sheet(*orders, language="en", **words):
    return rows_of(answer_sheet(orders, DISTRIBUTOR, language, "csv", **words))


def test_one_row_for_each_line_that_can_still_be_answered():
    order = an_order(
        a_line("1"),
        a_line("2", accepted=True),
        a_line("3", cancelled=True),
        a_line("4", void=True),
        a_line("5", dispatched=10_0000),
    )
    header, *rows = csv_sheet(order, names={HOSPITAL: "南昌市第一医院", "P-1": "阿托伐他汀钙片"})
    assert header == [
        "order_id", "line_id", "hospital_id", "hospital_name", "product_id", "product_name",
        "quantity", "unit_price", "sent_at", "answer_due", "delivery_due",
        "answer", "promised_at", "reason_code",
    ]  # fmt: skip
    assert [row[1] for row in rows] == ["1", "5"]
    assert rows[0] == [
        order.order_id, "1", HOSPITAL, "南昌市第一医院", "P-1", "阿托伐他汀钙片", "100.0", "3.84",
        "2026-01-05 09:00:00", "2026-01-07 09:00:00", "2026-01-08 09:00:00", "", "", "",
    ]  # fmt: skip


def test_excel_reads_the_csv_as_utf_8_and_saves_it_under_a_name():
    response = answer_sheet(
        [an_order(a_line("1"))], DISTRIBUTOR, "zh", "csv", next_link="/x?after=c"
    )
    assert response.body.startswith("\ufeff订单编号,明细编号,".encode())
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"].startswith(
        "attachment; filename=\"answer-sheet.csv\"; filename*=UTF-8''%E8%AE%A2"
    )
    assert response.headers["link"] == '</x?after=c>; rel="next"'


def test_another_state_gives_a_list_that_no_import_takes_for_answers():
    order = an_order(a_line("1"), a_line("2", accepted=True), a_line("3", void=True))
    header, *rows = csv_sheet(order, state="accepted")
    assert [dict(zip(header, row, strict=True))["line_id"] for row in rows] == ["2"]
    assert len(csv_sheet(order, state=None)) == 4
    assert csv_sheet(order, state="void", language="zh")[1][11] == "已作废"
    assert "answer" not in header


def test_a_manufacturer_sees_its_own_lines_only():
    order = an_order(a_line("1"), a_line("2", maker="91360100MA35KQ1C0R"))
    response = answer_sheet([order], Actor("manufacturer", MAKER), "en", "csv")
    assert [row[1] for row in rows_of(response)[1:]] == ["1"]


@pytest.mark.parametrize("format", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_sheet_reads_back_as_answers(format, language):
    ids = ["1", "=1+1", "001", "1-2", "'quoted", "-5", "@x", "3E5", "12345678901234567", "MAR1",
           "a,b", 'a"b', "行一", "\t=x", " 1 ", "'", "''=", "TRUE", "a\nb"]  # fmt: skip
    order = an_order(*(a_line(line_id) for line_id in ids))
    response = answer_sheet([order], DISTRIBUTOR, language, format)
    sheet = read_sheet(response.body, None)
    assert sheet.layout.kind is ANSWERS
    assert all(row.skipped for row in sheet.rows)
    read = [next(v for c, v in row.values.items() if c.name == "line_id") for row in sheet.rows]
    assert read == ids


def test_no_cell_of_the_csv_is_a_formula():
    line = a_line("=cmd|' /C calc'!A0")
    names = {HOSPITAL: "=HYPERLINK(1)", "P-1": "+1"}
    response = answer_sheet([an_order(line)], DISTRIBUTOR, "zh", "csv", names=names)
    for row in csv_rows(response.body):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.booleans())
def test_the_guard_comes_off_again(text, typed):
    assert trimmed(guarded(text, typed=typed)) == text


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_the_guard_survives_csv(text):
    file = io.StringIO()
    csv.writer(file).writerow([guarded(text), "x"])
    [row] = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert trimmed(row[0]) == text
