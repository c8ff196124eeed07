"""Offline pages (离线文档): the endpoints, and what each problem means. No script, no outside URL."""

from __future__ import annotations

from html import escape
from typing import Any

from shared.runtime.remedies import REMEDIES

_STYLE = """<style>body{font:15px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:.3rem .5rem;
text-align:left;vertical-align:top}code{background:#f4f4f4;padding:0 .2rem}</style>"""


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
