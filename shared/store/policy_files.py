"""The shipped policy file, read once (随产品发布的政策参数)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from shared.kernel.policy import Policy, parse_policy


@cache
def shipped_policy() -> Policy:
    """Jiangxi's policy as it ships with the product."""
    return parse_policy(
        files("shared.kernel").joinpath("data/policy_jiangxi.toml").read_text(encoding="utf-8")
    )


def policy_from(path: Path | None) -> Policy:
    """The policy in `path`, or the shipped one."""
    return parse_policy(path.read_text(encoding="utf-8")) if path else shipped_policy()
