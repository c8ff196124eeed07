"""A distributor without developers: fetches its sheet, fills it in, sends it back; and a whole
province that begins with nothing but spreadsheets."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import xlsxwriter

from shared.runtime.tables import table_rows
from tests.oracle.uscc import check_character

PLAYED_ON = ("log",)
"""A spreadsheet is events by another door; orders asks no bus."""

HOSPITAL = "H36010200001"
SELLER = "91360100000000001" + check_character("91360100000000001")
MAKER = "91360100000000002" + check_character("91360100000000002")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

ORGANISATIONS = (
    "机构编号,机构类型,机构名称,行政区划,机构等级\n"
    f"{HOSPITAL},医疗机构,南昌市第一医院,360102,三级\n"
    f"{SELLER},配送企业,江西配送公司,360100,\n{MAKER},生产企业,江西制药厂,360100,\n"
)
PRODUCTS = (
    "产品编号,产品名称,通用名,类别,生产企业代码,单位,包装数量\n"
    f"P-1,阿托伐他汀钙片 20mg,阿托伐他汀钙片,药品,{MAKER},盒,28\n"
    f"P-2,缬沙坦胶囊 80mg,缬沙坦胶囊,药品,{MAKER},盒,28\n"
)
ORDERS = (
    "订单编号,医疗机构代码,配送企业代码,明细编号,产品编号,数量,单价\n"
    f"{HOSPITAL}-1,{HOSPITAL},{SELLER},001,P-1,100,3.84\n"
    f'{HOSPITAL}-1,{HOSPITAL},{SELLER},2,P-2,"1,000",7.28\n'
    f"{HOSPITAL}-2,{HOSPITAL},{SELLER},1,P-1,5,3.84\n"
)
PROVINCE, HIS, DISTRIBUTOR = "bureau:360000", f"hospital:{HOSPITAL}", f"distributor:{SELLER}"


def upload(client, content, **query):
    body = content if isinstance(content, bytes) else content.encode()
    kind = XLSX if body.startswith(b"PK") else "text/csv"
    headers = {"Content-Type": kind}
    return client.post("/orders/v1/import", content=body, params=query, headers=headers)


def statuses(response):
    return [result["status"] for result in response.json()["results"]]


@pytest.fixture
def town(sandbox):
    """One hospital, one distributor, two products, two orders: three lines."""
    with sandbox.client(PROVINCE) as province, sandbox.client(HIS) as hospital:
        for sheet in (ORGANISATIONS, PRODUCTS):
            assert upload(province, sheet).status_code == 200
        placed = upload(hospital, ORDERS)
        assert statuses(placed) == ["accepted"] * 3, placed.text
    return sandbox


def fetch(client, format, **query):
    params = {"state": "awaiting_answer", "format": format, **query}
    response = client.get("/orders/v1/orders", params=params)
    assert response.status_code == 200, response.text
    return response


def filled(response, answers):
    """The sheet as its reader leaves it: answers at the end of the rows they belong to."""
    is_csv = response.headers["content-type"].startswith("text/csv")
    header, *rows = table_rows(response.content, rows_max=5000, columns_max=50)
    for row in rows:
        given = answers.get((row[0], row[1].removeprefix("'")), ())
        row[len(header) - 3 : len(header) - 3 + len(given)] = given
    if is_csv:
        text = io.StringIO()
        csv.writer(text).writerows([header, *rows])
        return text.getvalue().encode("gb18030")
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        page, days = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
        for n, row in enumerate([header, *rows]):
            for m, cell in enumerate(row):
                page.write(n, m, cell, *([days] if isinstance(cell, date) else []))
    return file.getvalue()


def lines_of(sandbox, order_id):
    with sandbox.client(DISTRIBUTOR) as client:
        order = client.get(f"/orders/v1/orders/{order_id}").json()
    return {line["line_id"]: (line["answer"], line["promised_at"]) for line in order["lines"]}


@pytest.mark.parametrize("format", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_half_filled_sheet_goes_round(town, format, language):
    with town.client(DISTRIBUTOR, **{"Accept-Language": language}) as client:
        sheet = fetch(client, format)
        header, *rows = table_rows(sheet.content, rows_max=5000, columns_max=50)
        assert header[0] == ("order_id" if language == "en" else "订单编号")
        assert "南昌市第一医院" in rows[0]
        assert [row[1].removeprefix("'") for row in rows] == ["001", "2", "1"]
        back = filled(sheet, {
            (f"{HOSPITAL}-1", "001"): ("接受", "2026-01-07"),
            (f"{HOSPITAL}-1", "2"): ("refused", "", "缺货"),
        })  # fmt: skip
        checked = upload(client, back, dry_run=True)
        assert statuses(checked) == ["accepted", "accepted", "skipped"], checked.text
        assert lines_of(town, f"{HOSPITAL}-1")["001"] == (None, None)
        taken = upload(client, back)
        assert taken.status_code == 200
        assert taken.json()["kind"] == "answers"
        assert [r["row"] for r in taken.json()["results"]] == [2, 3, 4]
        assert statuses(taken) == ["accepted", "accepted", "skipped"]
        left = list(table_rows(fetch(client, format).content, rows_max=5000, columns_max=50))
        assert [row[0] for row in left[1:]] == [f"{HOSPITAL}-2"]
    assert lines_of(town, f"{HOSPITAL}-1") == {
        "001": ("accepted", "2026-01-08T00:00:00+08:00"), "2": ("refused", None),
    }  # fmt: skip


def test_the_same_sheet_twice_changes_nothing_though_the_clock_goes_on(town):
    text = f"order_id,line_id,answer\n{HOSPITAL}-1,001,接受\n{HOSPITAL}-1,2,接受\n"
    with town.client(DISTRIBUTOR) as client, town.client(PROVINCE) as province:
        first = upload(client, text)
        town.move("2026-01-05T15:00:00+08:00")
        second = upload(client, text.replace("接受", "同意"))
        assert (second.status_code, statuses(second)) == (200, ["duplicate"] * 2)
        positions = [
            {r["position"] for r in answer.json()["results"]} for answer in (first, second)
        ]
        assert positions[0] == positions[1]
        again = upload(province, ORGANISATIONS)
        assert (again.status_code, statuses(again)) == (200, ["duplicate"] * 3)
        history = client.get(f"/orders/v1/orders/{HOSPITAL}-1").json()["history"]
        assert [fact["type"] for fact in history] == [
            "jicai.order.placed.v1", "jicai.order.answered.v1",
        ]  # fmt: skip
        assert history[1]["source"] == f"urn:jicai:{SELLER}:sheet"
        assert history[1]["event_id"].startswith("sheet-")


def test_the_same_sheet_at_the_same_moment_is_taken_once(town):
    text = f"order_id,line_id,answer\n{HOSPITAL}-1,001,接受\n"
    with town.client(DISTRIBUTOR) as client, ThreadPoolExecutor(8) as hands:
        answers = list(hands.map(lambda _: statuses(upload(client, text)), range(8)))
    assert sorted(answers) == [["accepted"], *[["duplicate"]] * 7]


def test_gb18030_is_read_without_asking(town):
    text = f"订单编号,明细编号,响应结果,拒绝原因\n{HOSPITAL}-2,1,拒绝,产品有误\n"
    with town.client(DISTRIBUTOR) as client:
        assert statuses(upload(client, text.encode("gb18030"))) == ["accepted"]


def test_one_bad_row_hurts_no_neighbour(town):
    text = (
        "order_id,line_id,answer,promised_at\n"
        f"{HOSPITAL}-1,001,接受,\n{HOSPITAL}-1,9,接受,\n{HOSPITAL}-2,1,接受,2026-01-07\n"
        f"{HOSPITAL}-3,1,接受,\n{HOSPITAL}-4,1,也许,\n"
    )
    with town.client(DISTRIBUTOR) as client:
        answer = upload(client, text)
        assert answer.status_code == 207
        results = answer.json()["results"]
        assert [(r["row"], r["status"], r.get("code"), r.get("pointer")) for r in results] == [
            (2, "rejected", "unknown_line", None),
            (3, "rejected", "unknown_line", "/line_id"),
            (4, "accepted", None, None),
            (5, "rejected", "unknown_order", "/order_id"),
            (6, "rejected", "malformed", "/answer"),
        ]
        assert results[0]["detail"].startswith("第 3 行: ")
        assert results[3]["retryable"] is True
        again = upload(client, text)
        assert (again.status_code, statuses(again)[2]) == (207, "duplicate")
        hopeless = upload(client, f"order_id,line_id,answer\n{HOSPITAL}-9,1,接受\n")
        assert (hopeless.status_code, hopeless.json()["code"]) == (422, "all_rejected")
        assert hopeless.json()["results"][0]["row"] == 2


def test_registers_are_for_the_province_and_refer_to_what_is_there(town):
    batch = (
        "id,name,organiser,published_on,effective_on,ends_on,role,product_id,divisions,selected_price\n"
        "B1,第一批,国家,2025/10/1,2026/1/1,2026/12/31,主供,P-1,360000,3.84\nB1,,,,,,备供,P-2,360100;360200,\n"
        "B2,第二批,国家,2025/10/1,2026/1/1,2026/12/31,主供,P-1,360000,\n"
        "B3,第三批,国家,2025/10/1,2026/1/1,2026/12/31,主供,P-9,360000,1\n"
    )
    with town.client(DISTRIBUTOR) as client:
        assert upload(client, batch).status_code == 403
    with town.client(PROVINCE) as client:
        checked = upload(client, batch, dry_run=True)
        assert statuses(checked)[:2] == ["accepted", "accepted"]
        assert client.get("/orders/v1/batches/B1").status_code == 404
        answer = upload(client, batch)
        assert answer.status_code == 207
        assert [
            (r["row"], r["id"], r["status"], r.get("code"), r.get("pointer"))
            for r in answer.json()["results"]
        ] == [
            (2, "B1", "accepted", None, None),
            (3, "B1", "accepted", None, None),
            (4, "B2", "rejected", "malformed", "/selected_price"),
            (5, "B3", "rejected", "unknown_product", "/product_id"),
        ]
        stored = client.get("/orders/v1/batches/B1").json()
        assert stored["backup"] == [{"product_id": "P-2", "divisions": ["360100", "360200"]}]


def test_an_order_goes_its_whole_way_on_spreadsheets(town):
    o = f"{HOSPITAL}-2"
    steps = (
        (DISTRIBUTOR, f"order_id,line_id,answer\n{o},1,接受\n"),
        (DISTRIBUTOR, "配送单号,订单编号,明细编号,发货数量,批号,有效期至,追溯码,发货时间\n"
                      f"D1,{o},1,5,A1,2027/6/30,81;82,2026-01-05 08:30\n"),
        (DISTRIBUTOR, "配送单号,订单编号,凭证类型,凭证编号,到货时间\n"
                      f"D1,{o},签收,S-1,2026/1/5 8:50\n"),
        (HIS, "验收单号,配送单号,订单编号,明细编号,合格数量,拒收数量,拒收原因,验收时间\n"
              f"R1,D1,{o},1,4,1,破损,2026-01-05 08:55:00\n"),
        (DISTRIBUTOR, "发票编号,发票号码,订单编号,验收单号,明细编号,开票数量,开票单价,发票类型\n"
                      f"I1,2536000001,{o},R1,1,4,3.84,销售\n"),
        (HIS, f"退货单号,订单编号,验收单号,明细编号,退货数量,退货原因\nT1,{o},R1,1,1,近效期\n"),
        (DISTRIBUTOR, f"退货单号,订单编号,是否同意退货\nT1,{o},是\n"),
        (HIS, f"订单编号,明细编号,撤销原因\n{HOSPITAL}-1,001,录入错误\n"),
    )  # fmt: skip
    for actor, text in steps:
        with town.client(actor) as client:
            answer = upload(client, text)
            assert statuses(answer) == ["accepted"], answer.text
            assert statuses(upload(client, text)) == ["duplicate"]
    with town.client(PROVINCE) as client:
        [line] = client.get(f"/orders/v1/orders/{o}").json()["lines"]
    assert (line["state"], line["received"], line["returned"]) == ("received", "4", "1")
    with town.client(DISTRIBUTOR) as client:
        stolen = upload(client, ORDERS)
        assert stolen.status_code == 422
        assert {r["code"] for r in stolen.json()["results"]} == {"not_yours"}


def test_pages_of_sheets_follow_each_other(town):
    with town.client(DISTRIBUTOR) as client:
        first = fetch(client, "csv", limit=1)
        url = first.headers["link"].removeprefix("<").partition(">")[0]
        second = client.get(url)
        rows = [
            list(table_rows(r.content, rows_max=99, columns_max=50))[1:] for r in (first, second)
        ]
        assert [[row[0] for row in page] for page in rows] == [
            [f"{HOSPITAL}-1"] * 2, [f"{HOSPITAL}-2"],
        ]  # fmt: skip
        last = client.get(second.headers["link"].removeprefix("<").partition(">")[0])
        assert "link" not in last.headers


def test_what_cannot_be_a_sheet_is_refused_with_its_reason(town):
    with town.client(DISTRIBUTOR) as client:
        unknown = upload(client, "颜色,大小\n红,5\n")
        assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_sheet")
        assert upload(client, b"PK\x03\x04broken").json()["code"] == "unreadable_sheet"
        assert upload(client, ORDERS, kind="nonsense").status_code == 422
        form = client.post("/orders/v1/import", files={"file": b"x"})
        assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")
        large = upload(client, b"x" * (4 * 1024 * 1024 + 1))
        assert (large.status_code, large.json()["code"]) == (413, "batch_too_large")
        sniffed = client.post(
            "/orders/v1/import",
            content=f"order_id,line_id,answer\n{HOSPITAL}-1,2,接受\n".encode(),
            headers={"Content-Type": "application/octet-stream"},
        )
        assert statuses(sniffed) == ["accepted"]
