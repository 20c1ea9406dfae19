"""Does the check of a body say all that is wrong with it, and nothing about what is right?"""

from __future__ import annotations

import pytest

from app.core.schema import free_object, list_of, maybe, one_of, problems, record, text, whole_number

PERSON = record(
    required=("name",),
    name=text(10),
    age=maybe(whole_number()),
    sex=one_of(["f", "m"]),
    data=free_object("anything"),
    phones=list_of(record(required=("number",), number=text(20)), most=2),
)


@pytest.mark.parametrize(
    "value",
    [
        {"name": "Lan"},
        {"name": "Lan", "age": None},
        {"name": "Lan", "age": -3, "sex": "f", "data": {"x": [1, {"y": "\0"}]}, "phones": []},
        {"name": "x" * 10, "phones": [{"number": "1"}, {"number": "2"}]},
    ],
)
def test_right(value):
    assert problems(value, PERSON) == {}


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ([], {""}),
        (None, {""}),
        ({}, {"name"}),
        ({"name": "\t"}, {"name"}),
        (
            {"name": "x" * 11, "age": 1.0, "sex": "x", "data": [], "phones": {}},
            {"name", "age", "sex", "data", "phones"},
        ),
        ({"name": True, "age": False, "sex": None, "data": None}, {"name", "age", "sex", "data"}),
        ({"name": "a\0", "other": 1}, {"name", "other"}),
        ({"name": "a", "phones": [{}, {"number": 5, "x": 1}]}, {"phones.0.number", "phones.1.number", "phones.1.x"}),
        ({"name": "a", "phones": [1, 2, 3]}, {"phones"}),
    ],
)
def test_wrong(value, paths):
    assert set(problems(value, PERSON)) == paths


def test_only_some_of_many_problems_are_told():
    assert len(problems([5] * 1000, list_of(text(), most=1000))) == 20
