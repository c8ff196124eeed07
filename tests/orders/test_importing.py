"""Reading a sheet, without a database: headings, cells, which rows belong together, ids."""

import io
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
import xlsxwriter

from services.orders.api.imports.cells import CellFault, by_day, day, instant, number, parts, whole
from services.orders.api.imports.columns import plain_heading, recognise
from services.orders.api.imports.events import chunks, sheet_event
from services.orders.api.imports.kinds import ANSWERS, BY_NAME, KINDS
from services.orders.api.imports.page import import_page
from services.orders.api.imports.rows import read_sheet
from services.orders.api.reading import read_event
from shared.kernel.errors import Problem
from shared.runtime.actors import Actor

ORDER = "H36010200001-2026-000001"
OTHER = "H36010200001-2026-000002"
NOW = datetime(2026, 1, 5, 1, tzinfo=UTC)
DISTRIBUTOR = Actor("distributor", "91360100MA35KQ1A0U")


def sheet(text, kind=None, encoding="utf-8"):
    return read_sheet(text.encode(encoding), kind)


def workbook(*rows, at=(0, 0)):
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        page = book.add_worksheet()
        days = book.add_format({"num_format": "yyyy-mm-dd"})
        instants = book.add_format({"num_format": "yyyy/m/d h:mm"})
        for n, row in enumerate(rows):
            for m, cell in enumerate(row):
                form = instants if isinstance(cell, datetime) else days
                place = (at[0] + n, at[1] + m, cell)
                page.write(*place, *([form] if isinstance(cell, date) else []))
    return file.getvalue()


def only(found):
    assert len(found.groups) == 1
    return found.groups[0]


def fault(group):
    row, refusal = group.fault
    return row.number, refusal.code, refusal.pointer


# Which sheet it is


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("language", ["name", "zh"])
def test_every_kind_is_recognised_by_its_headings(kind, language):
    for columns in (kind.columns, [c for c in kind.columns if c.needed]):
        header = [getattr(column, language) for column in columns]
        assert [layout.kind for layout in recognise(KINDS, header)] == [kind]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_heading_means_two_columns_of_one_kind(kind):
    meanings = {}
    for column in kind.columns:
        for heading in (column.name, column.zh, *column.also):
            assert meanings.setdefault(plain_heading(heading), column) is column


def test_headings_are_read_as_people_write_them():
    found = sheet("订单号 , Line-ID,响应结果 (必填)*,备注\nH36010200001-1,1,接受,x\n")
    assert found.layout.kind is ANSWERS
    assert found.layout.ignored == ["备注"]


def test_a_misspelt_dispatch_is_not_taken_for_a_list_of_arrivals():
    with pytest.raises(Problem) as refused:
        sheet(
            "delivery_id,order_id,line_id,quantity,lot_numbr,expires_on\nD1,O1,1,5,A,2027-01-01\n"
        )
    problem = refused.value
    assert (problem.status, problem.code) == (422, "unknown_sheet")
    [understood] = problem.extra["understood"]
    assert (understood["kind"], understood["missing"]) == ("dispatches", ["lot_number"])
    assert understood["columns"]["lot_numbr"] is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("颜色,大小\n红,5\n", None),
        ("", None),
        ("\n\n", None),
        ("order_id,line_id,answer\nO,1,接受\n", "answer"),
        ("order_id,line_id\nO,1\n", "answers"),
        ("order_id,订单编号,line_id,answer\nO,O,1,接受\n", None),
    ],
)
def test_what_is_no_sheet_of_ours_is_refused_as_a_whole(text, kind):
    with pytest.raises(Problem) as refused:
        sheet(text, kind)
    assert (refused.value.status, refused.value.code) == (422, "unknown_sheet")


def test_an_event_type_names_its_sheet():
    assert BY_NAME["jicai.order.answered.v1"] is ANSWERS


# Files


def test_gb18030_and_both_sorts_of_utf8_read_alike():
    text = f"订单编号,明细编号,响应结果,拒绝原因\n{ORDER},1,拒绝,缺货\n"
    bodies = [only(sheet(text, encoding=e)).body for e in ("utf-8", "utf-8-sig", "gb18030")]
    assert bodies[0]["lines"] == [
        {"line_id": "1", "answer": "refused", "reason_code": "out_of_stock"}
    ]
    assert bodies[0] == bodies[1] == bodies[2]


def test_a_workbook_reads_like_the_csv_of_the_same_sheet():
    rows = workbook(
        ["订单编号", "明细编号", "响应结果", "承诺到货日", "发生时间"],
        [ORDER, 1, "接受", date(2026, 1, 8), datetime(2026, 1, 5, 9, 30)],  # noqa: DTZ001
        [ORDER, 2, 1, "2026/1/8", ""],
    )
    found = only(read_sheet(rows, None))
    assert found.time == "2026-01-05T09:30:00+08:00"
    promised = {"answer": "accepted", "promised_at": "2026-01-09T00:00:00+08:00"}
    assert found.body["lines"] == [{"line_id": "1", **promised}, {"line_id": "2", **promised}]


def test_rows_are_numbered_as_the_spreadsheet_numbers_them():
    text = f"order_id,line_id,answer\n\n{ORDER},1,yes\n,,\n{ORDER},2,no\n"
    assert [row.number for row in sheet(text).rows] == [3, 5]
    header = ["order_id", "line_id", "answer"]
    shifted = read_sheet(workbook(header, [ORDER, 1, "yes"], at=(2, 1)), None)
    assert [row.number for row in shifted.rows] == [4]


def test_a_file_that_would_grow_without_bound_is_refused():
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.add_worksheet().write("XFD1048576", "x")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 70_000_000)
    for content in (file.getvalue(), bomb.getvalue()):
        with pytest.raises(Problem) as refused:
            read_sheet(content, None)
        assert (refused.value.status, refused.value.code) == (413, "batch_too_large")


@pytest.mark.parametrize("content", [b"PK\x03\x04nothing", b"\xd0\xcf\x11\xe0old", b"\xff\xff"])
def test_a_broken_file_is_unreadable(content):
    with pytest.raises(Problem) as refused:
        read_sheet(content, None)
    assert refused.value.status == 422


def test_ten_thousand_rows_are_the_limit():
    row = f"{ORDER},1,接受\n"
    assert len(sheet("order_id,line_id,answer\n" + row * 10_000).rows) == 10_000
    with pytest.raises(Problem) as refused:
        sheet("order_id,line_id,answer\n" + row * 10_001)
    assert refused.value.status == 413


# Cells


@pytest.mark.parametrize(
    "cell",
    ["2026-01-05", "2026/1/5", "2026.1.5", "2026年1月5日", "20260105", "46027", "46027.4",
     "2026-01-05 09:30", "2026/1/5 9:30:15", "2026-01-04T23:00:00Z", "２０２６-01-05"],
)  # fmt: skip
def test_ways_to_write_a_day(cell):
    assert day(cell) == "2026-01-05"


@pytest.mark.parametrize("cell", ["5/1/2026", "2026-13-01", "soon", "46", "0026-01-05", "99991231"])
def test_what_is_no_day(cell):
    for read in (day, by_day, instant):
        with pytest.raises(CellFault):
            read(cell)


def test_a_promised_day_is_its_end_and_an_instant_is_itself():
    assert by_day("2026-01-08") == by_day("46030") == "2026-01-09T00:00:00+08:00"
    assert by_day("2026-01-08 17:00") == by_day("46030.7083333333") == "2026-01-08T17:00:00+08:00"
    assert by_day("2026-01-08T17:00:00+08:00") == "2026-01-08T17:00:00+08:00"
    assert by_day("2026-01-08 24:00") == "2026-01-09T00:00:00+08:00"


def test_an_instant_needs_a_time_of_day():
    assert instant("2026-01-05 09:30:00") == instant("2026/1/5 9:30") == "2026-01-05T09:30:00+08:00"
    with pytest.raises(CellFault):
        instant("2026-01-05")


def test_numbers_and_lists():
    assert [number(cell) for cell in ("1,000", "1,234,567.5", "１２", "12.50", "-3", "1,2")] == [
        "1000", "1234567.5", "12", "12.50", "-3", "1,2",
    ]  # fmt: skip
    assert (whole("28"), whole("1.5")) == (28, "1.5")
    assert parts("360100;360200、360300 360400，360500") == [
        "360100", "360200", "360300", "360400", "360500",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["接受", "同意", "Accepted", " 1 ", "是", "接单"])
def test_words_for_yes(word):
    found = only(sheet(f"order_id,line_id,answer\n{ORDER},1,{word}\n"))
    assert found.body["lines"][0]["answer"] == "accepted"


def test_a_reason_of_ones_own_is_kept():
    found = only(sheet(f"order_id,line_id,answer,reason_code\n{ORDER},1,拒绝,仓库盘点\n"))
    assert found.body["lines"][0]["reason_code"] == "仓库盘点"


# Rows that belong together


def test_rows_of_one_order_form_one_event_and_blank_answers_wait():
    found = sheet(
        "order_id,line_id,answer\n"
        f"{ORDER},1,接受\n{OTHER},1,接受\n{ORDER},2,\n{ORDER},3,拒绝\n"
    )  # fmt: skip
    assert [[row.number for row in group.rows] for group in found.groups] == [[2, 5], [3]]
    assert [row.number for row in found.rows if row.skipped] == [4]
    assert [line["line_id"] for line in found.groups[0].body["lines"]] == ["1", "3"]


def test_a_promise_without_an_answer_is_no_blank_row():
    group = only(sheet(f"order_id,line_id,answer,promised_at\n{ORDER},1,,2026-01-08\n"))
    assert fault(group) == (2, "malformed", "/answer")


def test_one_bad_cell_rejects_its_own_event_only():
    found = sheet(
        "order_id,line_id,answer,promised_at\n"
        f"{ORDER},1,接受,\n{ORDER},2,接受,soon\n{OTHER},1,接受,\n,1,接受,\n"
    )
    assert [group.fault and fault(group) for group in found.groups] == [
        (3, "malformed", "/promised_at"), None, (5, "malformed", "/order_id"),
    ]  # fmt: skip


def test_deliveries_of_one_order_stay_apart():
    found = sheet(
        "配送单号,订单编号,明细编号,发货数量,批号,有效期至,追溯码\n"
        f"D1,{ORDER},1,5,A1,2027/1/31,81 82\nD2,{ORDER},1,5,A1,2027/1/31,\nD1,{ORDER},1,2,A2,2027/2/28,\n"
    )
    assert [group.body["delivery_id"] for group in found.groups] == ["D1", "D2"]
    assert found.groups[0].body["lines"] == [
        {"line_id": "1", "quantity": "5", "lot_number": "A1", "expires_on": "2027-01-31",
         "trace_codes": ["81", "82"]},
        {"line_id": "1", "quantity": "2", "lot_number": "A2", "expires_on": "2027-02-28"},
    ]  # fmt: skip


def test_the_head_of_a_document_is_said_once_and_never_twice_differently():
    head = "receipt_id,delivery_id,order_id,line_id,accepted,rejected\n"
    merged = only(sheet(f"{head}R1,D1,{ORDER},1,5,\nR1,,{ORDER},2,4,1\n"))
    assert merged.body["delivery_id"] == "D1"
    assert merged.body["lines"][0] == {"line_id": "1", "accepted": "5", "rejected": "0"}
    torn = only(sheet(f"{head}R1,D1,{ORDER},1,5,0\nR1,D2,{ORDER},2,4,1\n"))
    assert fault(torn) == (3, "malformed", "/delivery_id")
    headless = only(sheet(f"{head}R1,,{ORDER},1,5,0\n"))
    assert fault(headless) == (2, "malformed", "/delivery_id")


def test_a_batch_takes_several_rows():
    found = only(
        sheet(
            "批次编号,批次名称,组织方,公布日期,执行日期,截止日期,供应角色,产品编号,供应区域,中选价\n"
            "B1,第一批,国家,2025-10-01,2026-01-01,2026-12-31,主供,P1,360100;360200,3.84\n"
            "B1,,,,,,备供,P2,360000,\nB1,,,,,,主供,P3,360000,2\n"
        )
    )
    assert found.id == "B1"
    assert found.body == {
        "name": "第一批", "organiser": "national", "published_on": "2025-10-01",
        "effective_on": "2026-01-01", "ends_on": "2026-12-31",
        "main": [
            {"product_id": "P1", "divisions": ["360100", "360200"], "selected_price": "3.84"},
            {"product_id": "P3", "divisions": ["360000"], "selected_price": "2"},
        ],
        "backup": [{"product_id": "P2", "divisions": ["360000"]}],
    }  # fmt: skip
    row, column = found.locate("/main/1/selected_price")
    assert (row.number, column.name) == (4, "selected_price")
    row, column = found.locate("/backup/0/divisions/0")
    assert (row.number, column.name) == (3, "divisions")


def test_registers_with_nested_members_and_lists():
    agreement = only(
        sheet(
            "id,batch_id,hospital_id,product_id,distributor_id,agreed_quantity,from,signed_hospital\n"
            "A1,B1,H36010200001,P1,91360100MA35KQ1A0U,100,2026-01-01,2025/12/1\n"
        )
    )
    assert agreement.body["signed"] == {"hospital": "2025-12-01"}
    assert "id" not in agreement.body
    organisation = only(
        sheet("机构编号,机构类型,机构名称,行政区划,偏远地区\nH36010200001,医院,一院,360102,否\n")
    )
    assert organisation.body == {
        "kinds": ["hospital"], "name": "一院", "division": "360102", "remote": False,
    }  # fmt: skip
    assert organisation.locate("/kinds/0")[1].name == "kinds"
    assert organisation.locate("/id")[1].name == "id"


def test_a_cancellation_without_a_line_column_is_of_the_whole_order():
    whole_order = only(sheet(f"order_id,reason\n{ORDER},录入错误\n"))
    assert whole_order.body == {"order_id": ORDER, "reason": "录入错误"}
    lines = only(sheet(f"order_id,line_id,reason\n{ORDER},1,录入错误\n{ORDER},2,\n"))
    assert lines.body["line_ids"] == ["1", "2"]
    assert lines.locate("/data/line_ids/1")[0].number == 3
    slip = only(sheet(f"order_id,line_id,reason\n{ORDER},,录入错误\n"))
    assert fault(slip) == (2, "malformed", "/line_id")


# Events


def event_of(text):
    return sheet_event(only(sheet(text)))


def test_the_id_of_an_event_hashes_what_was_said_and_not_when_it_was_sent():
    text = f"order_id,line_id,answer,hospital_name\n{ORDER},1,接受,一院\n"
    first = event_of(text)
    assert first.id == event_of(text).id
    assert len(first.id) == len("sheet-") + 32
    # Another heading, another note, another way to say it: the same event.
    assert first.id == event_of(f"订单编号,明细编号,响应结果\n{ORDER},1,同意\n").id
    assert first.id != event_of(f"order_id,line_id,answer\n{ORDER},1,拒绝\n").id
    timed = f"order_id,line_id,answer,occurred_at\n{ORDER},1,接受,2026-01-05 08:00\n"
    assert first.id != event_of(timed).id


def test_an_event_of_a_sheet_passes_the_door_for_json():
    text = f"order_id,line_id,answer,promised_at\n{ORDER},1,接受,2026-01-08\n"
    event = event_of(text)
    sent = read_event(event.encoded("urn:jicai:91360100MA35KQ1A0U:sheet", NOW), DISTRIBUTOR)
    assert (sent.type, sent.occurred_at) == ("jicai.order.answered.v1", NOW)
    assert sent.command.lines[0].promised_at == datetime(2026, 1, 8, 16, tzinfo=UTC)
    timed = event_of(f"order_id,line_id,answer,occurred_at\n{ORDER},1,接受,2026-01-05 08:00\n")
    document = msgspec.json.decode(timed.encoded("urn:jicai:x:sheet", NOW))
    assert document["time"] == "2026-01-05T08:00:00+08:00"


def test_a_pointer_into_an_event_finds_its_cell():
    group = only(sheet(f"order_id,line_id,answer\n{ORDER},1,接受\n{ORDER},2,接受\n"))
    row, column = group.locate("/data/lines/1/line_id")
    assert (row.number, column.name) == (3, "line_id")
    row, column = group.locate("/data/order_id")
    assert (row.number, column.name) == (2, "order_id")
    assert group.locate("/time")[1].name == "occurred_at"
    assert group.locate("/type") == group.locate(None) == (None, None)
    assert group.locate("/data/lines/9/line_id") == (None, None)


def test_all_events_of_one_order_are_judged_together():
    rows = "".join(f"D{n},H36010200001-2026-{n % 700:06d},1,1,A,2027-01-01\n" for n in range(2100))
    found = sheet("delivery_id,order_id,line_id,quantity,lot_number,expires_on\n" + rows)
    parts_ = list(chunks([sheet_event(group) for group in found.groups]))
    assert [len(part) for part in parts_] == [999, 999, 102]
    orders = [{event.group.body["order_id"] for event in part} for part in parts_]
    assert not orders[0] & orders[1] | orders[1] & orders[2]


def test_the_page_of_the_documentation_is_written_from_the_table():
    page = Path(__file__).parents[2] / "docs" / "import.md"
    assert page.read_text(encoding="utf-8") == import_page(), (
        "run: python -m services.orders.api.imports.page > docs/import.md"
    )
