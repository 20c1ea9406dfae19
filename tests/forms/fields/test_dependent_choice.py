from __future__ import annotations

import pytest

from app.core.errors import InvalidInputError
from app.forms import rules
from app.forms.fields.base import Context
from tests.forms.examples import CONTEXT, Examples, told

WARDS = [
    {"value": "ba-dinh", "label": "Ba Đình", "for": ["hn"]},
    {"value": "ben-thanh", "label": "Bến Thành", "for": ["hcm"]},
    {"value": "other", "label": "Nơi khác"},
]
EXAMPLES = Examples(
    "dependent_choice",
    right=(("ba-dinh", "ba-dinh", "Ba Đình"), ("other", "other", "Nơi khác")),
    wrong=("ben-thanh", "hue", 1),
    settings={"depends_on": "city", "options": WARDS},
    is_typed_as_shown=False,
)


def problems(*fields: dict) -> list[str]:
    return [one.code for one in rules.check_definition({"name": "x", "fields": list(fields)})]


def drawn(depends_on: str, options: list = WARDS) -> dict:
    return {"key": "ward", "type": "dependent_choice", "label": "Phường", "depends_on": depends_on, "options": options}


CITY = {"key": "city", "type": "choice", "label": "Nơi", "options": [{"value": "hn", "label": "Hà Nội"},
                                                                   {"value": "hcm", "label": "Sài Gòn"}]}  # fmt: skip


def test_the_other_answer_is_read_first_wherever_it_stands():
    definition = rules.read_definition({"name": "x", "fields": [drawn("city"), CITY]})
    answers = {"ward": "ben-thanh", "city": "hcm"}
    assert rules.parse_answers(definition, answers, context=CONTEXT).values == answers
    with pytest.raises(InvalidInputError) as refused:
        rules.parse_answers(definition, {"ward": "ben-thanh"}, context=Context())
    assert list(refused.value.fields) == ["ward"]


def test_what_it_depends_on_must_be_a_choice_of_the_form_that_has_these_answers():
    assert problems(CITY, drawn("city")) == []
    assert problems(drawn("city")) == ["dead_reference"]
    assert problems({"key": "city", "type": "text", "label": "x"}, drawn("city")) == ["bad_reference"]
    assert problems(CITY, drawn("city", [{"value": "a", "label": "A", "for": ["hue"]}])) == ["dead_reference"]
    assert problems(CITY, drawn("ward")) == ["bad_reference"]


def test_what_does_not_go_with_the_other_answer_is_named_with_what_does():
    sentence = told("dependent_choice", "ben-thanh", depends_on="city", options=WARDS)
    assert all(one in sentence for one in ("Bến Thành", "Ba Đình, Nơi khác"))
    assert "leave it empty" in told("dependent_choice", "ben-thanh", depends_on="city", options=WARDS[1:2])
