"""Policy is data: numbers with the rule, document and article they come from (政策参数)."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a document with its numbers (条款)."""

    id: str
    document: str
    article: str
    title: str
    valid_from: date
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one province; `version` is a hash of the file they were read from."""

    version: str
    province: str
    rules: Mapping[str, Rule]

    def number(self, rule_id: str, name: str) -> int:
        """One whole number of one rule, e.g. `number("A16.2", "response_hours")`."""
        value = self.rules[rule_id].values[name]
        if not isinstance(value, int):
            raise TypeError(f"{rule_id}.{name} is not a whole number")
        return value

    def table(self, rule_id: str) -> Mapping[str, Any]:
        """All values of one rule."""
        return self.rules[rule_id].values


def parse_policy(text: str) -> Policy:
    """Read a policy file; a rule that stands twice is an error, for nobody could say which holds."""
    document = tomllib.loads(text)
    rules: dict[str, Rule] = {}
    for entry in document["rules"]:
        rule = Rule(**entry)
        if rule.id in rules:
            raise ValueError(f"rule {rule.id} stands twice in the policy file")
        rules[rule.id] = rule
    version = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Policy(version, document["province"], rules)
