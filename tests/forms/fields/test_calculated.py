from __future__ import annotations

from app.forms import rules
from tests.forms.examples import CONTEXT, Examples, a_field

EXAMPLES = Examples(
    "calculated",
    right=((None, 203_500.0, "203.500"),),
    wrong=(5, "5"),
    settings={"formula": "amount + sum(items.price)"},
    is_typed_as_shown=False,
)


def worked_out(formula: str, **settings):
    one = a_field("calculated", formula=formula, **settings)
    return one.type.worked_out(one.spec, CONTEXT)


def test_it_is_rounded_as_people_round_and_shown_as_what_it_is():
    assert worked_out("amount / 3") == 66666.67
    assert worked_out("amount / 3", decimals=0) == 66667
    assert worked_out("items.price", shown_as="money") is None
    assert worked_out("sum(items.price) / 1000 + 0.5", shown_as="money") == 4
    one = a_field("calculated", formula="12.5", shown_as="percent")
    assert one.type.show(12.5, one.spec, CONTEXT) == "12,5%"


def test_what_is_missing_leaves_it_empty():
    assert worked_out("amount / 0") is None
    assert worked_out("city * 2") is None


def problems(*fields: dict) -> list[str]:
    return [one.code for one in rules.check_definition({"name": "x", "fields": list(fields)})]


def drawn(key: str, formula: object) -> dict:
    return {"key": key, "type": "calculated", "label": key, "formula": formula}


def test_loops_and_dead_references_are_refused_by_name():
    assert problems(drawn("a", "b + 1"), drawn("b", "a + 1")) == ["loop", "loop"]
    assert problems(drawn("a", "a + 1")) == ["loop"]
    assert problems(drawn("a", "b + 1")) == ["dead_reference"]
    assert problems(drawn("a", "sum(b.c)"), {"key": "b", "type": "text", "label": "x"}) == ["dead_reference"]
    assert problems(drawn("a", "1 +")) == problems(drawn("a", 5)) == ["bad_formula"]
    assert problems({**drawn("a", "1"), "required": True}) == ["not_answered"]


def test_what_follows_from_what_follows_is_worked_out_in_order():
    definition = rules.read_definition(
        {
            "name": "x",
            "fields": [drawn("c", "b * 2"), drawn("b", "a * 2"), {"key": "a", "type": "integer", "label": "a"}],
        }
    )
    assert rules.parse_answers(definition, {"a": 1}, context=CONTEXT).values == {"a": 1, "b": 2.0, "c": 4.0}
