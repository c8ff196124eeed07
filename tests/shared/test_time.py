"""The sandbox's time moves only forward."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.runtime import time as runtime_time
from shared.runtime.time import DatabaseTime, ManualTime, OffsetTime

NINE = datetime(2026, 1, 5, 1, tzinfo=UTC)


def test_manual_time_never_goes_back() -> None:
    """Recorded facts would lie in the future."""
    time = ManualTime(NINE)
    time.set(NINE)
    time.set(NINE + timedelta(hours=1))
    with pytest.raises(ValueError):
        time.set(NINE)
    assert time.now == NINE + timedelta(hours=1)


def test_the_database_is_not_asked_where_time_is_moved_by_hand() -> None:
    """In production its clock is the one clock; in the sandbox it says nothing."""
    assert ManualTime(NINE).at(NINE + timedelta(days=1)) == NINE
    assert DatabaseTime().at(NINE) == NINE


def test_an_offset_file_moves_the_clock_both_ways_and_half_a_number_moves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read again by itself; without the file nothing is added."""
    monkeypatch.setattr(runtime_time, "OFFSET_READ_SECONDS", 0)
    file = tmp_path / "offset"
    time = OffsetTime(file)
    assert time.at(NINE) == NINE
    for text, seconds in (("3600", 3600), ("-7200.5", -7200.5), ("", -7200.5), ("12", 12)):
        file.write_text(text)
        assert time.at(NINE) == NINE + timedelta(seconds=seconds)


def test_the_offset_file_is_not_read_for_every_fact(tmp_path: Path) -> None:
    """Thousands of facts a second ask what time it is."""
    file = tmp_path / "offset"
    file.write_text("60")
    time = OffsetTime(file)
    assert time.at(NINE) == NINE + timedelta(seconds=60)
    file.unlink()
    assert time.at(NINE) == NINE + timedelta(seconds=60)
