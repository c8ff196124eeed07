"""The catalogue of facts is made from the code: it may not drift."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_catalogue_says_what_the_code_says() -> None:
    """`make docs` was run after the last change of a fact."""
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "tools" / "make_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert (ROOT / "docs" / "events.md").read_text(encoding="utf-8") == module.events_page()
