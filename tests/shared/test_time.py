"""The sandbox's time moves only forward."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.runtime.time import DatabaseTime, ManualTime

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
