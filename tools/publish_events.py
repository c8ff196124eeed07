"""Write tests/events/published_v1.json anew: from now on these forms of facts may only grow.

A change that breaks readers is shown and refused; `--breaking` writes it all the same, which is
right only while nobody reads the topics yet.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from shared.events.catalogue import CHANNELS
from shared.testing.compatibility import breaches, snapshot

PUBLISHED = Path(__file__).resolve().parent.parent / "tests" / "events" / "published_v1.json"


def main() -> int:
    """Publish, or say what breaks; the exit code."""
    now = snapshot(CHANNELS)
    if PUBLISHED.exists():
        broken = breaches(json.loads(PUBLISHED.read_text(encoding="utf-8")), now)
        for breach in broken:
            print(breach)
        if broken and "--breaking" not in sys.argv[1:]:
            print("未写入 / not written: v1 只能增加可选成员 / v1 grows by optional members only")
            return 1
    text = json.dumps(now, ensure_ascii=False, indent=1, sort_keys=True)
    PUBLISHED.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
