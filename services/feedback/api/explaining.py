"""Deadlines that explain themselves, day by day, in both languages (时限说明)."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from services.feedback.domain.reciting import Recited
from shared.events.feedback import Deadline
from shared.kernel.calendar import CountedDay
from shared.kernel.clock import due_day, local_text

_NAMES: Final = {
    "reply_due": ("回复时限", "the reply"),
    "promise_limit": ("承诺时限上限", "the latest solution that may be promised"),
    "promised": ("承诺解决时间", "the promised solution"),
    "confirm_due": ("医疗机构确认时限", "the hospital's confirmation"),
    "level_due": ("本级督办时限", "this level's supervision"),
}
_REASONS: Final = {"weekend": "周末", "workday": "工作日", "make-up workday": "调休上班"}
_STATES: Final = {
    "running": ("进行中", "running"),
    "met": ("已履行", "met"),
    "passed": ("已届满", "passed"),
    "stopped": ("已停止", "stopped"),
}
_WEEKDAYS: Final = "一二三四五六日"


def deadline_document(item: Recited) -> dict[str, Any]:
    """One deadline with every day on its way, and why each counts or does not."""
    deadline = item.deadline
    zh, en = _explained(item)
    return {
        "name": deadline.name,
        "from": local_text(deadline.start),
        "due_at": local_text(deadline.due_at),
        "state": item.state,
        "provisional": deadline.provisional,
        "calendar_version": deadline.calendar_version,
        "days": [_day(day) for day in deadline.days],
        "moved": [
            {"before": local_text(move.before), "at": local_text(move.at)} for move in item.moves
        ],
        "explanation": {"zh": zh, "en": en},
    }


def _day(day: CountedDay) -> dict[str, Any]:
    return {
        "date": day.date.isoformat(),
        "counted": day.counted,
        "reason": day.reason,
        "reason_zh": _REASONS.get(day.reason, day.reason),
    }


def _explained(item: Recited) -> tuple[str, str]:
    deadline = item.deadline
    name_zh, name_en = _NAMES[deadline.name]
    state_zh, state_en = _STATES[item.state]
    if not deadline.days:
        due_zh, due_en = local_text(deadline.due_at), local_text(deadline.due_at)
        return (
            f"{name_zh}为 {due_zh}, 由企业回复时承诺; {state_zh}.",
            f"{name_en.capitalize()} is due at {due_en}, as the reply promised; {state_en}.",
        )
    counted = sum(day.counted for day in deadline.days)
    skipped = [day for day in deadline.days if not day.counted]
    last = due_day(deadline.due_at)
    first = deadline.days[0].date
    zh = (
        f"{name_zh}: 自{_chinese_day(first)}起算第{counted}个工作日即{_chinese_day(last)}24时"
        f"{_skipped_zh(skipped)}; {state_zh}."
    )
    en = (
        f"{name_en.capitalize()} is due at 24:00 of {last.isoformat()}, working day {counted} "
        f"counted from {first.isoformat()}{_skipped_en(skipped)}; {state_en}."
    )
    return zh + _provisional(deadline, "zh"), en + _provisional(deadline, "en")


def _skipped_zh(skipped: list[CountedDay]) -> str:
    if not skipped:
        return ""
    days = "、".join(
        f"{_short(day.date)}({_REASONS.get(day.reason, day.reason)})" for day in skipped
    )
    return f", 其中 {days} 不计"


def _skipped_en(skipped: list[CountedDay]) -> str:
    if not skipped:
        return ""
    days = ", ".join(f"{day.date.isoformat()} ({day.reason})" for day in skipped)
    return f"; not counted: {days}"


def _provisional(deadline: Deadline, language: str) -> str:
    if not deadline.provisional:
        return ""
    if language == "zh":
        return " 所涉年度的放假安排尚未公布, 该时限为暂定, 公布后将重新计算."
    return " A year on the way is not announced yet: this is provisional and will be counted again."


def _chinese_day(day: date) -> str:
    return f"{day.year}年{_short(day)}(周{_WEEKDAYS[day.weekday()]})"


def _short(day: date) -> str:
    return f"{day.month}月{day.day}日"
