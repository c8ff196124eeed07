"""Offline pages (离线文档): the endpoints, and what each problem means. No script, no outside URL."""

from __future__ import annotations

from html import escape
from typing import Any

_STYLE = """<style>body{font:15px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:.3rem .5rem;
text-align:left;vertical-align:top}code{background:#f4f4f4;padding:0 .2rem}</style>"""

REMEDIES: dict[str, tuple[str, str]] = {
    "malformed": (
        "内容格式不符合接口约定。按 errors[].pointer 指出的位置修改后重发; 被拒绝的事件编号未被占用。",
        "A value does not have the agreed form. Mend what errors[].pointer names and send again.",
    ),
    "all_rejected": (
        "本批事件全部被拒绝, 逐条原因见 results。",
        "Every event of the batch was rejected; results says why, one by one.",
    ),
    "unavailable": (
        "数据库暂不可用。稍后用同样的 id 重发, 已登记的会回答 duplicate。",
        "The database is away. Send the same ids again later; what was recorded answers duplicate.",
    ),
    "cursor_epoch": (
        "游标早于一次数据恢复。从头读取变更流, 并用对账接口核对。",
        "The cursor is from before a restore. Read from the beginning and reconcile.",
    ),
    "forbidden": ("该角色无权执行此操作。", "You may see this, but not do it."),
    "not_found": ("不存在, 或您无权查看。", "It does not exist, or you may not see it."),
}


def problem_page(code: str) -> str:
    """Cause and remedy of one problem code."""
    zh, en = REMEDIES.get(
        code,
        ("原因与处理办法见响应中的 detail。", "See the detail of the answer for cause and remedy."),
    )
    name = escape(code[:64])
    return f"<!doctype html><html lang=zh><meta charset=utf-8><title>{name}</title>{_STYLE}<h1>{name}</h1><p>{zh}<p lang=en>{en}</html>"


def endpoint_page(openapi: dict[str, Any]) -> str:
    """Every endpoint with its purpose and parameters."""
    rows = []
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            parameters = ", ".join(
                f"<code>{escape(p['name'])}</code>" for p in operation.get("parameters", [])
            )
            what = escape(operation.get("description") or operation.get("summary", ""))
            rows.append(
                f"<tr><td>{method.upper()}<td><code>{escape(path)}</code><td>{what}<td>{parameters}"
            )
    head = "<tr><th>方法<th>路径<th>说明<th>参数"
    return (
        f"<!doctype html><html lang=zh><meta charset=utf-8><title>Jicai 接口</title>{_STYLE}"
        f"<h1>Jicai 集采 接口</h1><p>机器可读: <a href=/openapi.json>openapi.json</a></p>"
        f"<table>{head}{''.join(rows)}</table></html>"
    )
