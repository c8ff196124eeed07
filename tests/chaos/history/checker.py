"""The checker (核对): every complaint about a history, by the promise that was broken. Pure.

No complaint is the verdict `passed`; so each promise has a planted fault that it must find
(`test_checker.py`), and a history that says nothing at all is itself a complaint.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from tests.chaos.history import checks_of_logs as logs
from tests.chaos.history import checks_of_state as state
from tests.chaos.history import checks_of_words as words
from tests.chaos.history.evidence import Evidence

SHOWN = 5
"""So many of each kind: one fault is often found in thousands of facts."""
LEAST = 0.5
"""Where fewer of the events were accepted the run says little."""


def checks(found: Evidence) -> dict[str, Iterator[str]]:
    """Every promise, and how it is looked into."""
    return {
        "said enough": _says_enough(found),
        "told is true": words.told_is_true(found.words, found.rows),
        "answers agree": words.answers_agree(found.words),
        "acts stand": words.acts_stand(found.words, found.rows),
        "nothing twice": logs.nothing_twice(found.rows),
        "versions gapless": logs.versions_are_gapless(found.rows),
        "marks divide": logs.marks_divide(found.rows),
        "topics tell the log": logs.topics_tell_the_log(found.rows, found.seen),
        "keys in order": logs.keys_are_in_order(found.seen),
        "alerts once": logs.alerts_are_raised_once(found.rows),
        "models are folds": state.models_are_folds(found.noisy, found.quiet),
        "books balance": state.books_balance(found.entries, found.standing.verified),
        "money once": state.money_was_moved_once(found.words, found.entries),
        "claimed once": state.lines_are_claimed_once(found.claims),
        "nobody stuck": state.nobody_is_stuck(found.standing),
    }


def complaints(found: Evidence) -> dict[str, list[str]]:
    """What is wrong, by promise; empty where every promise was kept."""
    said = {name: list(islice(each, SHOWN)) for name, each in checks(found).items()}
    return {name: each for name, each in said.items() if each}


def _says_enough(found: Evidence) -> Iterator[str]:
    """A run in which nothing was accepted proves nothing."""
    accepted = sum(found.words.is_accepted(identity) for identity in found.words.made)
    if accepted < max(1, LEAST * len(found.words.made)):
        yield f"only {accepted} of {len(found.words.made)} events were accepted"
