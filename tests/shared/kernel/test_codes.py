import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum.cn import uscc as oracle

from shared.kernel.codes import (
    check_digit_uscc,
    covers,
    division_of,
    is_division,
    is_hospital_id,
    is_path_id,
    is_uscc,
    pool_of,
    subtree_prefix,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "uscc.json").read_text())
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
DIVISIONS = st.from_regex(r"[0-9]{6}", fullmatch=True)
ANYTHING = st.one_of(
    st.none(), st.integers(), st.floats(), st.booleans(), st.text(), st.lists(st.text())
)


@pytest.mark.parametrize("code", VECTORS["valid"])
def test_real_codes_are_known(code: str) -> None:
    assert is_uscc(code)
    assert check_digit_uscc(code[:17]) == code[17]


@pytest.mark.parametrize(
    "code", [*VECTORS["invalid"], "", "91440300708461136t", "9" * 18, "９" * 18]
)
def test_wrong_codes_are_refused(code: str) -> None:
    assert not is_uscc(code)


@given(
    st.from_regex(r"[0-9]{8}", fullmatch=True),
    st.text(alphabet=ALPHABET, min_size=9, max_size=9),
    st.sampled_from(ALPHABET),
)
def test_the_check_character_agrees_with_python_stdnum(head: str, tail: str, check: str) -> None:
    first17 = head + tail
    assert check_digit_uscc(first17) == oracle.calc_check_digit(first17)
    assert is_uscc(first17 + check_digit_uscc(first17))
    assert is_uscc(first17 + check) == oracle.is_valid(first17 + check)


@given(st.text(alphabet=ALPHABET + "IOSVZ-1一²", max_size=19))
def test_a_check_character_is_for_seventeen_good_characters_only(text: str) -> None:
    if len(text) == 17 and set(text) <= set(ALPHABET):
        assert check_digit_uscc(text) in ALPHABET
    else:
        with pytest.raises(ValueError):
            check_digit_uscc(text)


@given(ANYTHING)
@example("H3601020000²")
@example("36010²")
@example({"a": 1})
def test_any_json_value_can_be_asked_about(value: object) -> None:
    text = value if isinstance(value, str) else ""
    assert is_hospital_id(value) == bool(re.fullmatch(r"H[0-9]{11}", text))
    assert is_division(value) == bool(re.fullmatch(r"[0-9]{6}", text))
    assert is_path_id(value) == bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text))
    assert not is_uscc(value)


@given(st.text(alphabet="aZ09._-:/ é\n", max_size=70))
@example("a" * 64)
@example("a" * 65)
@example("-a")
@example("a\n")
def test_path_ids_follow_their_pattern(text: str) -> None:
    assert is_path_id(text) == bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text))
    assert is_path_id(text, ":") == bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", text))


def test_a_hospital_carries_its_place() -> None:
    assert is_hospital_id("H36010200001")
    assert not is_hospital_id("P36010200001")
    assert not is_hospital_id("H3601020000")
    assert division_of("H36010200001") == "360102"


@pytest.mark.parametrize(
    ("hospital", "pool"),
    [
        ("H36010200001", "360100"),
        ("H36010000001", "360100"),
        ("H36000000001", "360000"),
        ("H36001200001", "360000"),
        ("H36990000001", "369900"),
        ("H36112600001", "361100"),
    ],
)
def test_a_pool_is_a_city_or_the_province(hospital: str, pool: str) -> None:
    assert pool_of(hospital) == pool


def test_an_area_covers_what_lies_below_it() -> None:
    assert [subtree_prefix(code) for code in ("360000", "360100", "360102")] == [
        "36",
        "3601",
        "360102",
    ]
    assert covers("360000", "361126")
    assert covers("360000", "360000")
    assert covers("360100", "360102")
    assert covers("360100", "360100")
    assert covers("360102", "360102")
    assert not covers("360102", "360100")
    assert not covers("360102", "360103")
    assert not covers("360100", "360202")
    assert not covers("360100", "360000")
    assert not covers("360000", "110101")


@given(DIVISIONS, DIVISIONS, DIVISIONS)
def test_covering_is_an_order(one: str, two: str, three: str) -> None:
    assert covers(one, one)
    if covers(one, two) and covers(two, one):
        assert subtree_prefix(one) == subtree_prefix(two)
    if covers(one, two) and covers(two, three):
        assert covers(one, three)
