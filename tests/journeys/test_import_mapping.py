"""The SCMS history through its mapping file: what the data's README promises, without a server."""

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from stdnum.cn import uscc as stdnum_uscc

from jicai.client import Jicai
from jicai.imports import MappingError, load_mapping, run_import
from jicai.imports.events import IdCollision, gather_resources, row_events, rows_of
from jicai.imports.ids import hospital_code, is_uscc, uscc
from jicai.imports.rows import UnreadableFile, read_rows
from jicai.imports.values import Unreadable

EXCERPT = Path(__file__).parents[1] / "data" / "scms_excerpt.csv"
WHOLE = Path(__file__).parents[3] / "shared" / "data" / "scms_delivery_history.csv"
SCMS = load_mapping("scms")


def rows(file=EXCERPT):
    return rows_of(read_rows(file, SCMS.columns()), SCMS)


def events_of(file=EXCERPT):
    return [event for row in rows(file) for event in row_events(row, SCMS)]


def test_one_row_tells_four_facts_in_order():
    placed, dispatched, arrived, received = row_events(rows()[0], SCMS)
    hospital = hospital_code("Côte d'Ivoire", "369900")

    assert placed["type"] == "jicai.order.placed.v1"
    assert placed["id"] == "scms-1-placed"
    assert placed["source"] == "urn:jicai:360000:scms"
    assert placed["data"]["order_id"] == f"{hospital}-scms-1"
    assert placed["data"]["hospital_id"] == hospital
    line = placed["data"]["lines"][0]
    assert (line["quantity"], line["unit_price"]) == ("19", "29")
    assert line["required_by"] == "2006-06-03T00:00:00+08:00"
    assert dispatched["time"] == arrived["time"] == "2006-06-02T12:00:00+08:00"
    assert received["data"]["lines"] == [{"line_id": "1", "accepted": "19", "rejected": "0"}]


def test_an_order_without_purchase_date_was_sent_thirty_days_before_its_schedule():
    assert row_events(rows()[0], SCMS)[0]["time"] == "2006-05-03T00:00:00+08:00"


def test_both_ways_of_writing_a_date_are_read():
    by_slash = next(
        r
        for r in rows()
        if "/" in r.cell("PO Sent to Vendor Date") and r.cell("PO Sent to Vendor Date")[0].isdigit()
    )
    month, day, year = by_slash.cell("PO Sent to Vendor Date").split("/")
    sent = datetime.fromisoformat(row_events(by_slash, SCMS)[0]["time"])
    assert (sent.year, sent.month, sent.day) <= (2000 + int(year), int(month), int(day))


def test_organisations_come_once_with_valid_codes_and_names_as_in_the_file():
    organisations = [r for r in gather_resources(rows(), SCMS) if "/organisations/" in r.path]
    ids = [r.path.rsplit("/", 1)[1] for r in organisations]
    assert len(ids) == len(set(ids))
    for code in ids:
        assert code.startswith("H369900") or stdnum_uscc.is_valid(code)
    vendors = {r.cell("Vendor") for r in rows()}
    assert vendors <= {r.body["name"] for r in organisations}


def test_prices_with_too_many_decimals_are_rounded_and_words_that_are_no_number_are_reported():
    row = rows()[0]
    row.cells = {**row.cells, "Pack Price": "1.23455"}
    assert row_events(row, SCMS)[0]["data"]["lines"][0]["unit_price"] == "1.2346"
    row.cells = {**row.cells, "Pack Price": "n/a"}
    with pytest.raises(Unreadable, match="Pack Price"):
        row_events(row, SCMS)


def test_two_names_with_one_id_stop_the_import(monkeypatch):
    monkeypatch.setattr("jicai.imports.derived.hospital_code", lambda *_: "H36990000001")
    with pytest.raises(IdCollision, match="salt"):
        gather_resources(rows(), SCMS)


def test_the_file_is_read_in_gb18030_too(tmp_path):
    other = tmp_path / "gb.csv"
    other.write_bytes(EXCERPT.read_text(encoding="utf-8-sig").encode("gb18030"))
    assert events_of(other) == events_of()


def test_the_file_is_read_from_a_spreadsheet_too(tmp_path):
    import csv

    import xlsxwriter

    book = xlsxwriter.Workbook(tmp_path / "scms.xlsx")
    sheet = book.add_worksheet()
    with EXCERPT.open(encoding="utf-8-sig", newline="") as file:
        for number, cells in enumerate(csv.reader(file)):
            sheet.write_row(number, 0, cells)
    book.close()
    assert events_of(tmp_path / "scms.xlsx") == events_of()


def test_a_missing_column_is_named(tmp_path):
    (tmp_path / "short.csv").write_text("ID,Vendor\n1,x\n")
    with pytest.raises(UnreadableFile, match="Country"):
        rows(tmp_path / "short.csv")


def test_an_unknown_word_in_a_mapping_says_where(tmp_path):
    page = tmp_path / "bad.toml"
    page.write_text('[import]\nname="x"\nsource="y"\n[values]\nz = { colunm = "ID" }\n')
    with pytest.raises(MappingError, match=r"values\.z"):
        load_mapping(page)


def test_codes_made_from_names_are_stable_and_valid():
    assert uscc("IDA FOUNDATION", "369900") == uscc("IDA FOUNDATION", "369900")
    for name in ("a", "b", "IDA FOUNDATION", "南昌"):
        assert is_uscc(uscc(name, "369900"))
        assert stdnum_uscc.is_valid(uscc(name, "369900"))
    for code in ("91440300708461136T", "91360100MA35AB1C6R", "12361126MB0X12Y32N"):
        assert is_uscc(code)
    assert not is_uscc("91310000132221349W")


class FakeJicai(Jicai):
    """Takes everything, and rejects the events of one row."""

    def __init__(self):
        self.paths, self.events = [], []

    def put(self, path, body):
        self.paths.append(path)
        return {}

    def post_events(self, events, *, batch_size=500):
        self.events += events
        return [
            {"id": e["id"], "status": "rejected", "code": "malformed", "detail": "no"}
            if "-3-" in e["id"]
            else {"id": e["id"], "status": "accepted"}
            for e in events
        ]


def test_the_report_adds_up_and_points_to_the_row():
    report = run_import(FakeJicai(), EXCERPT, "scms", batch_size=7)
    assert (report.rows, report.events, report.accepted) == (10, 40, 36)
    assert report.rejected == Counter({"malformed": 4})
    assert report.first_rejections[0].row == 3


@pytest.mark.skipif(not WHOLE.exists(), reason="the public file is not here")
def test_the_whole_history_is_on_time_in_9138_of_10324_lines():
    events = events_of(WHOLE)
    ids = [event["id"] for event in events]
    assert len(ids) == len(set(ids)) == 4 * 10_324

    placed = {e["data"]["order_id"]: e for e in events if "placed" in e["type"]}
    arrived = {e["data"]["order_id"]: e["time"] for e in events if "arrived" in e["type"]}
    assert len(placed) == 10_324
    on_time = sum(
        datetime.fromisoformat(arrived[order])
        <= datetime.fromisoformat(e["data"]["lines"][0]["required_by"])
        for order, e in placed.items()
    )
    assert on_time == 9_138

    resources = gather_resources(rows(WHOLE), SCMS)
    codes = [r.path.rsplit("/", 1)[1] for r in resources if "/organisations/" in r.path]
    assert sum(code.startswith("H") for code in codes) == 43
    assert sum(map(stdnum_uscc.is_valid, codes)) == len(codes) - 43 == 73 + 88 - 2
