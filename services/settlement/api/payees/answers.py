"""The bank's answer to a file as rows (银行回执表): a JSON list, or the sheet with its columns filled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from services.settlement.api.payees.sheet import ANSWER, COLUMNS, SUM_ROWS
from shared.kernel.canonical import decode_json
from shared.kernel.errors import Problem, malformed
from shared.runtime.problems import refusal_problem
from shared.runtime.tables import UnreadableTable, table_rows

ROWS_MAX: Final = 10_000
_COLUMNS_MAX: Final = 64
_BLANK_ROWS: Final = 1_000
"""So many rows may stand empty between the others."""

_NAMES: Final = {
    **{zh: name for name, zh in (COLUMNS[0], *ANSWER)},
    **{name: name for name, _ in (COLUMNS[0], *ANSWER)},
}
_RESULTS: Final = {
    "成功": "paid", "已支付": "paid", "支付成功": "paid", "paid": "paid",
    "失败": "failed", "支付失败": "failed", "退票": "failed", "failed": "failed",
}  # fmt: skip
_DAY: Final = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[ T].*)?")

Answer = tuple[int, Any]
"""A row of the bank's with its number: as a spreadsheet counts, or its place in the list."""


def listed(body: bytes) -> list[Answer]:
    """The rows of a JSON list, or of the list under `results`."""
    try:
        value = decode_json(body)
    except (ValueError, msgspec.DecodeError) as error:
        raise Problem(
            400,
            "malformed_json",
            f"请求体不是有效的 JSON: {error}",
            f"the body is not JSON: {error}",
        ) from None
    rows = value.get("results") if isinstance(value, dict) else value
    if not isinstance(rows, list):
        raise refusal_problem(malformed("应为回执列表", "expected a list of results", "/results"))
    return _limited(list(enumerate(rows, 1)))


def tabled(body: bytes) -> list[Answer]:
    """The rows of a CSV or XLSX that say a result; what the bank has not answered is passed over."""
    try:
        table = table_rows(body, rows_max=ROWS_MAX + _BLANK_ROWS, columns_max=_COLUMNS_MAX)
        numbered = [(number, [*map(_said, cells)]) for number, cells in enumerate(table, 1)]
    except UnreadableTable as reason:
        if reason.too_large:
            raise _too_many() from None
        raise Problem(
            422, "unreadable_sheet", f"文件{reason.zh}", f"the file {reason.en}"
        ) from None
    filled = [row for row in numbered if any(row[1])]
    names = [_NAMES.get(cell) for cell in filled[0][1]] if filled else []
    if not {"payment_id", "result"} <= set(names) or len(_known(names)) > len(set(_known(names))):
        raise Problem(
            422,
            "unknown_sheet",
            "表头须有「支付编号」和「结果」各一列; 另可有银行流水号、入账日、失败原因",
            "the headings must hold payment_id and result, each once",
        )
    return _limited(list(_answers(names, filled[1:])))


def _answers(
    names: Sequence[str | None], rows: Sequence[tuple[int, list[str]]]
) -> Iterator[Answer]:
    for number, cells in rows:
        row = {name: cell for name, cell in zip(names, cells, strict=False) if name and cell}
        if row.get("payment_id") in SUM_ROWS or "result" not in row:
            continue
        row["result"] = _RESULTS.get(row["result"].lower(), row["result"])
        if "value_date" in row:
            row["value_date"] = _day(row["value_date"])
        yield number, row


def _known(names: Sequence[str | None]) -> list[str]:
    return [name for name in names if name]


def _said(cell: str) -> str:
    """A cell without outer spaces, or exactly what follows one leading apostrophe."""
    said = cell.strip()
    return said[1:] if said.startswith("'") else said


def _day(text: str) -> str:
    """A day as spreadsheets and banks write it, in the contract's form; else as it is, to be refused."""
    found = _DAY.fullmatch(text)
    return text if found is None else f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}"


def _limited(rows: list[Answer]) -> list[Answer]:
    if len(rows) > ROWS_MAX:
        raise _too_many()
    return rows


def _too_many() -> Problem:
    return Problem(
        413,
        "batch_too_large",
        f"一次至多 {ROWS_MAX} 行; 请分批上传",
        f"at most {ROWS_MAX} rows at once; send them in parts",
    )
