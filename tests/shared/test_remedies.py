"""Every problem and rejection code that the code can say has a page with cause and remedy."""

import re
from pathlib import Path

from shared.runtime.remedies import REMEDIES

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r'(?:Problem\(\s*\d{3},|Refusal\(|refused\(|unauthenticated\()\s*"([a-z_]+)"')


def test_every_code_has_its_remedy() -> None:
    """A code without a page would send its reader nowhere."""
    said = {
        code
        for folder in ("services", "shared", "jicai")
        for path in (ROOT / folder).rglob("*.py")
        for code in CODE.findall(path.read_text(encoding="utf-8"))
    }

    assert len(said) > 30
    assert said - {"negative"} <= set(REMEDIES)
