"""Write requirements.lock: the exact versions of everything the project and its tests stand on."""

from __future__ import annotations

import re
from importlib.metadata import distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Walk from the project's own requirements through those that apply here."""
    installed = {_name(d.metadata["Name"]): d for d in distributions()}
    wanted: dict[str, str] = {}
    waiting = [Requirement(r) for r in distribution("jicai").requires or []]
    while waiting:
        requirement = waiting.pop()
        extra = "dev"
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = _name(requirement.name)
        found = installed.get(name)
        if found is None or name in wanted:
            continue
        wanted[name] = found.version
        for text in found.requires or []:
            needed = Requirement(text)
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras):
                needed.marker = None
                waiting.append(needed)
    wanted["setuptools"] = installed["setuptools"].version
    lines = [f"{name}=={version}" for name, version in sorted(wanted.items())]
    header = "# Exact versions, made by `make lock`. No hosts: use whichever index you trust.\n"
    (ROOT / "requirements.lock").write_text(header + "\n".join(lines) + "\n", encoding="utf-8")


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


if __name__ == "__main__":
    main()
