"""What hospitals owe, as Hypothesis makes it up: lines, returns and payments of one pair."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import strategies as st

from services.settlement.domain.dues import Accepted, GivenBack, Paid
from services.settlement.policy import PaymentTerms

UNIT = 10_000
FIRST = date(2026, 1, 5)
LINES = [
    ("H36010200001-1", "R1", "1"),
    ("H36010200001-1", "R1", "2"),
    ("H36010200001-2", "R1", "1"),
]

# Few days, so that they meet: with each other, with dues and with the ends of buckets.
days = st.sampled_from([0, 1, 26, 30, 31, 45, 60, 61]).map(lambda n: FIRST + timedelta(days=n))
# Odd prices and parts of a unit, so that lines and their returns are rounded apart.
quantities = st.sampled_from([1, UNIT // 2, UNIT, 2 * UNIT])
prices = st.sampled_from([0, 50, 50, 3_350, 25_000])
states = st.sampled_from(["reported", "reported", "acknowledged", "contested", "withdrawn"])

terms = st.sampled_from(
    [
        PaymentTerms("v", 30, None, (30, 60, 90)),
        PaymentTerms("v", 0, None, (1,)),
        PaymentTerms("v", None, 1, (15, 40)),
        PaymentTerms("v", None, 0, (30, 60, 90)),
    ]
)
accepted = st.lists(
    st.builds(Accepted, st.sampled_from(LINES), days, quantities, prices),
    min_size=1,
    max_size=3,
    unique_by=lambda line: line.key,
)
given_back = st.lists(
    st.builds(GivenBack, st.sampled_from(["T1", "T2"]), st.sampled_from(LINES), days, quantities),
    max_size=4,
    # A return is answered once, for all its lines of one receipt.
    unique_by=lambda back: (back.key[0], back.return_id),
)
payments = st.lists(
    st.builds(Paid, st.sampled_from("ABCD"), days, st.sampled_from([1, 2, 34, 250, 900]), states),
    max_size=4,
    unique_by=lambda paid: paid.payment_id,
)
