"""The Prometheus rules: they fire when they should, and speak of nothing that the code does not say."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from jicai import status_findings
from shared.runtime import metrics

PROMETHEUS = Path(__file__).parents[2] / "deploy" / "prometheus"
SCRAPED = {"job", "instance"}
"""Labels that Prometheus itself gives every series."""
WORDS = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")
SELECTOR = re.compile(r"\b(up|jicai_\w+)\b(?:\{([^}]*)\})?")


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((PROMETHEUS / "rules.yml").read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def series() -> dict[str, set[str]]:
    """Every series that the program may expose, with its labels."""
    found: dict[str, set[str]] = {"up": SCRAPED}
    for metric in vars(metrics).values():
        if not isinstance(metric, Counter | Gauge | Histogram):
            continue
        labels = {*metric._labelnames, *SCRAPED}
        name = metric._name
        if isinstance(metric, Histogram):
            found |= {
                f"{name}_bucket": labels | {"le"},
                f"{name}_count": labels,
                f"{name}_sum": labels,
            }
        else:
            found[f"{name}_total" if isinstance(metric, Counter) else name] = labels
    return found


def test_promtool_takes_rules_and_configuration_and_every_rule_fires_when_it_should() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian's package prometheus has it)")
    for words in (["check", "config", "prometheus.yml"], ["test", "rules", "rules_test.yml"]):
        done = subprocess.run(
            [promtool, *words], cwd=PROMETHEUS, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_series_and_label_of_a_rule_is_one_that_the_code_exposes(rule: dict[str, Any]) -> None:
    known = series()
    used: set[str] = set()
    for name, matchers in SELECTOR.findall(rule["expr"]):
        assert name in known, f"{rule['alert']} speaks of {name}, which nothing exposes"
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        assert labels <= known[name], f"{name} has no label {labels - known[name]}"
        used |= known[name]
    assert used, "a rule without a series would never fire"
    for clause in WORDS.findall(rule["expr"]):
        assert {word.strip() for word in clause.split(",")} <= used, clause
    shown = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    assert shown <= used


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_rule_says_in_two_languages_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert re.search(r"[\u4e00-\u9fff].* / \w", rule["annotations"]["summary"])
    assert rule["annotations"]["action"].endswith((".", "?"))


def test_each_rule_has_a_case_in_which_it_fires() -> None:
    tests = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text("utf-8"))["tests"]
    fired = {
        case["alertname"]
        for test in tests
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert fired == {rule["alert"] for rule in rules()}


def test_buckets_named_in_a_rule_exist() -> None:
    bounds = {f"{bound}" for bound in metrics.DEADLINE_LATENESS._upper_bounds}
    [rule] = [rule for rule in rules() if rule["alert"] == "JicaiDeadlinesFireLate"]
    assert set(re.findall(r'le="([^"]+)"', rule["expr"])) <= bounds


def test_status_and_rules_draw_the_line_at_the_same_place() -> None:
    limits = {rule["alert"]: rule["expr"] for rule in rules()}
    assert limits["JicaiConsumerLags"].endswith(f">= {status_findings.LAG_SOME}")
    assert limits["JicaiRelayLags"].endswith(f">= {status_findings.LAG_SOME}")
    assert limits["JicaiHorizonHeld"].endswith(f"> {status_findings.HORIZON_SECONDS}")
    assert limits["JicaiDeadlinesOverdue"].endswith(f"> {status_findings.OVERDUE_SECONDS}")
    assert limits["JicaiCloseWaits"].endswith(f"> {status_findings.HELD_SECONDS}")


def test_prometheus_asks_the_services_where_compose_has_them() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    targets = set(config["scrape_configs"][0]["static_configs"][0]["targets"])
    services = yaml.safe_load((PROMETHEUS.parent / "docker-compose.yml").read_text("utf-8"))[
        "services"
    ]
    assert targets == {
        f"{name}:{one['environment']['JICAI_PORT']}"
        for name, one in services.items()
        if "JICAI_PORT" in one.get("environment", {})
    }
