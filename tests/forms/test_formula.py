from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.forms import formula

ANSWERS = {"a": 7, "b": 2, "t": "abc", "day": "2026-11-22", "late": "2026-11-25", "yes": True,
           "items": [{"price": 0.1, "count": 3}, {"price": 0.2}, {"count": 1}]}  # fmt: skip
VECTORS = Path(__file__).parents[1] / "vectors"


def result(text: str, **answers: object):
    return formula.read(text).result({**ANSWERS, **answers})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a + b * 2", 11),
        ("(a + b) * 2", 18),
        ("a - b - 1", 4),
        ("a / b", Decimal("3.5")),
        ("-a + 10", 3),
        ("0.1 + 0.2", Decimal("0.3")),
        ("sum(items.price)", Decimal("0.3")),
        ("tong(items.price) = 0.3", True),
        ("count(items)", 3),
        ("dem(items.price)", 2),
        ("min(items.price, a)", Decimal("0.1")),
        ("max(b, a)", 7),
        ("round(a / 3)", 2),
        ("round(a / 3, 2)", Decimal("2.33")),
        ("round(2.5)", 3),
        ("if(a > b, a, b)", 7),
        ("neu(a < b hoặc t = 'abc', 1, 2)", 1),
        ("if(not a > b, 1, 2)", 2),
        ("if(yes, 1, 2)", 1),
        ("days(day, late)", 3),
        ("if(late > day, 1, 0)", 1),
        ("if(missing > 1, 1, 0)", 0),
        ("a + missing", None),
        ("a / 0", None),
        ("t * 2", None),
        ("sum(missing)", 0),
        ("max(missing)", None),
    ],
)
def test_what_it_comes_to(text, wanted):
    assert result(text) == wanted


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("a +", 3),
        ("a b", 2),
        ("(a", 2),
        ("500.000", 0),
        ("1.2.3", 0),
        ("f(a)", 0),
        ("sum()", 0),
        ("a ; b", 2),
        ("a < b < 1", 6),
        ("a" * 501, 500),
        ("1234567890123456", 0),
        ("__import__('os')", 0),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_place(text, position):
    with pytest.raises(formula.FormulaError) as refused:
        formula.read(text)
    assert refused.value.position == position
    assert str(refused.value.message)


def test_depth_has_an_end():
    with pytest.raises(formula.FormulaError):
        formula.read("(" * 100 + "a" + ")" * 100)
    with pytest.raises(formula.FormulaError):
        formula.read("not " * 100 + "a")


def test_it_tells_which_fields_it_asks():
    assert formula.read("sum(items.price) * a + if(b = 'x', c, 1)").keys == {"items.price", "a", "b", "c"}


@pytest.mark.parametrize(
    "attack", json.loads((VECTORS / "expression_attacks.json").read_text(encoding="utf-8")), ids=repr
)
def test_an_attack_is_refused_or_comes_to_a_plain_value(attack):
    text = attack["text"] if isinstance(attack, dict) and "text" in attack else str(attack)
    try:
        found = formula.read(text).result(ANSWERS)
    except formula.FormulaError:
        return
    assert found is None or isinstance(found, bool | str | Decimal | list)


LEAVES = st.sampled_from(
    ["a", "b", "items.price", "items", "t", "day", "missing", "1", "0", "0.5", "999999999999999", "'x'"]
)
FORMULAS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "<", "=", "and", "or"]), inner)
        | st.builds("{}({})".format, st.sampled_from(["sum", "count", "min", "max", "round"]), inner)
        | st.builds("if({}, {}, {})".format, inner, inner, inner)
    ),
    max_leaves=20,
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.lists(
    st.dictionaries(st.just("price"), st.integers() | st.text(max_size=3)), max_size=3
)  # fmt: skip


@given(text=FORMULAS, answers=st.dictionaries(st.sampled_from(["a", "b", "items", "t", "day"]), VALUES))
def test_working_out_never_raises(text, answers):
    try:
        read = formula.read(text)
    except formula.FormulaError:
        return
    found = read.result(answers)
    assert not isinstance(found, Decimal) or found.is_finite()
