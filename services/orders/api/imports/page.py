"""`docs/import.md`, written from the table of kinds (导入说明); a test fails when they differ.

`python -m services.orders.api.imports.page > docs/import.md` writes it again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from services.orders.api.imports import words
from services.orders.api.imports.columns import Column, Kind, Place
from services.orders.api.imports.kinds import EVENTS, REGISTERS
from services.orders.api.imports.rows import ROWS_MAX

_INTRODUCTION: Final = f"""\
# 表格导入

<!-- 本页由 services/orders/api/imports/page.py 生成, 请勿手工修改. -->

没有开发人员的单位可以用表格代替接口: 请求体就是文件本身.

```
curl -H 'X-Jicai-Actor: distributor:91360100MA35KQ1A0U' -H 'Content-Type: text/csv' \\
     --data-binary @订单响应表.csv 'http://127.0.0.1:8000/orders/v1/import?dry_run=true'
```

## 总则
- 文件: CSV (UTF-8 带或不带 BOM, 或 GB18030; 逗号、分号或制表符分隔) 或 XLSX (读第一个工作表). 至多 {ROWS_MAX:,} 行, 4 MiB; 可用 gzip 压缩传输. 旧版 .xls 请另存.
- 表头: 第一个非空行. 中文或英文列名均可, 也认下表所列的其他写法; 忽略大小写、空格、下划线、星号和括号里的单位. 不认识的列不读取, 在答复的 `ignored_columns` 中列出.
- 表的种类: 由 `?kind=` 给出, 或按表头识别 (取认得列数最多的一种). 识别不了、缺列、两列同义时答 422 `unknown_sheet`, 并在 `understood` 中说明认出了什么.
- 答复: `{{"kind","rows","results":[{{"row","id","status","code"?,"detail"?,"pointer"?,"position"?}}]}}`. `row` 是 Excel 中的行号 (表头所在为第 1 行时, 数据从第 2 行起); `pointer` 是出错的列 (英文列名, 如 `/promised_at`). `status`: `accepted` 已登记, `duplicate` 早已登记过相同内容, `rejected` 拒绝, `skipped` 尚未填写.
  HTTP 状态: 全部成功 200, 部分被拒 207, 全部被拒 422 `all_rejected`. 被拒代码与接口相同; 单元格看不懂一律是 `malformed`.
- `?dry_run=true` 只检查, 不登记.
- 权限: 基础信息只有省级医保部门和数据迁移方可以导入 (403); 事件各单位只能导入自己的 (`not_yours`), 来源记为 `urn:jicai:<本单位>:sheet`.

## 哪些行合成一份
- 标「键」的列相同的行合成一份单据: 一个登记项, 或一个事件 (同一订单、同一单号). 整份接受或整份拒绝: 一行有误, 同份各行都被拒绝并指出是第几行; 其他单据不受影响.
- 标「首」的列每份只有一个值: 各行应相同, 第一行之后可以留空.
- 事件编号由内容算出 (`sheet-` 加 32 位摘要), 所以同一张表重复上传什么也不改变, 答 `duplicate`.
- 「发生时间」可以不填: 第一次上传时取平台收到的时刻, 再次上传相同内容时沿用第一次登记的时刻, 因此仍是 `duplicate`. 填了则属于内容的一部分.
- 发货、到货、验收的时限按发生时间判定, 请尽量填写.

## 单元格怎么写
- 日期: `2026-01-05`、`2026/1/5`、`2026年1月5日`、`20260105`, 或 Excel 日期 (含序列号). 时间: 日期加 `09:30` 或 `09:30:00`, 或 RFC 3339; 不写时区即北京时间.
- 承诺到货日、要求到货日只写日期时, 指当天 24:00; 写了时刻则按时刻.
- 数量和单价: 十进制数, 至多 4 位小数, 可带千分位逗号.
- 多个值写在一个单元格里时 (供应区域、追溯码、机构类型), 用 `;` `、` `,` 或空格隔开.
- 是与否: 是/否、yes/no、true/false、1/0、√/×.
- 编号前的一个撇号 `'` 读取时去掉: 我们导出的 CSV 在 Excel 会当成公式、日期或数字的文本前加一个撇号, 原样传回即可. 编号有前导零或很长时, 建议用 XLSX.

## 订单响应表的往返
`GET /orders/v1/orders?state=awaiting_answer&format=xlsx` (或 `csv`; `Accept-Language: en` 为英文表头) 给出每条可响应的明细. 还有下一页时, 答复头 `Link` 给出其地址 (`limit` 至多 1,000 张订单).
填写「响应结果」「承诺到货日」「拒绝原因」三列后整份传回 `/orders/v1/import`. 「响应结果」空着的行跳过 (`skipped`), 可以只填一部分.
第一次响应有效: 同一订单余下的明细请取一张新表再填, 或清空已响应行的「响应结果」; 否则该订单整份被拒 (`already_answered`).
"""

_WORDS: Final = (
    ("响应结果 `answer`", words.ANSWERS),
    ("拒绝原因 `reason_code` (其他文字原样保存)", words.REFUSAL_REASONS),
    ("拒收原因 `reject_reason` (其他文字原样保存)", words.REJECT_REASONS),
    ("凭证类型 `proof_kind`", words.PROOFS),
    ("发票类型 `kind`", words.INVOICE_KINDS),
    ("供应角色 `role`", words.SUPPLY_ROLES),
    ("挂网状态 `status`", words.LISTING_STATES),
    ("机构类型 `kinds`", words.ORGANISATIONS),
    ("机构等级 `level`", words.LEVELS),
    ("类别 `category`", words.CATEGORIES),
    ("组织方 `organiser`", words.ORGANISERS),
)
_PLACES: Final = {Place.KEY: "键", Place.HEAD: "首", Place.LINE: "行", Place.NOTE: "不读"}


def import_page() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *_coded_words(), *_sheets()])


def _coded_words() -> Iterator[str]:
    yield "## 代码与用语\n英文代码本身也可以直接填写.\n\n| 列 | 可以填写 |\n|---|---|"
    for name, table in _WORDS:
        codes: dict[str, list[str]] = {}
        for word, code in table.items():
            codes.setdefault(code, []).append(word)
        said = "; ".join(f"{'、'.join(people)} = `{code}`" for code, people in codes.items())
        yield f"| {name} | {said} |"
    yield ""


def _sheets() -> Iterator[str]:
    yield "## 基础信息\n"
    for kind in REGISTERS:
        yield from _sheet(kind, f"`?kind={kind.name}`")
    yield "## 事件\n"
    for kind in EVENTS:
        yield from _sheet(kind, f"`?kind={kind.name}` 或 `?kind={kind.event_type}`")


def _sheet(kind: Kind, how: str) -> Iterator[str]:
    yield f"### {kind.zh}\n{how}\n\n| 中文列名 | English | 必填 | 位置 | 其他写法 |\n|---|---|---|---|---|"
    for column in kind.columns:
        yield f"| {column.zh} | `{column.name}` | {_needed(column)} | {_PLACES[column.place]} | {_also(column)} |"
    yield ""


def _needed(column: Column) -> str:
    if column.empty:
        return f"是 (空 = {column.empty})"
    return "是" if column.needed else ""


def _also(column: Column) -> str:
    return "、".join(f"`{word}`" if word.isascii() else word for word in column.also)


if __name__ == "__main__":
    sys.stdout.write(import_page())
