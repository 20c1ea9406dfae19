"""A part of a page is drawn once for equal values, and never taken for another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from jinja2 import DictLoader
from markupsafe import Markup

from app.core.drawn import install
from app.core.i18n import _, in_language

TEMPLATES = {
    "one.html": "{% macro part(value) %}one {{ value }}{% endmacro %}",
    "two.html": "{% macro part(value) %}two {{ value }}{% endmacro %}",
    "counting.html": "{% macro part(value) %}{{ tally.append(value) or tally|length }}{% endmacro %}",
    **{f"page-{name}.html": f"{{% from '{name}.html' import part %}}{{{{ drawn(part, value) }}}}"
       for name in ("one", "two", "counting")},
}  # fmt: skip


@pytest.fixture
def draw(app: Flask) -> Iterator[Callable[..., str]]:
    """draw("one", "An"): what the macro of one.html gives through drawn()."""
    install(app)  # nothing is remembered yet
    environment = app.jinja_env.overlay(loader=DictLoader(TEMPLATES), cache_size=10)
    environment.globals = {**app.jinja_env.globals, "tally": []}

    def drawn(name: str, value: Any) -> str:
        return environment.get_template(f"page-{name}.html").render(value=value)

    with app.test_request_context():
        yield drawn


def test_equal_values_are_drawn_once(draw):
    assert [draw("counting", {"a": [1, "x"]}) for _again in range(3)] == ["1", "1", "1"]


def test_macros_of_one_name_in_two_templates_are_two(draw):
    assert (draw("one", "An"), draw("two", "An"), draw("one", "An")) == ("one An", "two An", "one An")


@pytest.mark.parametrize(
    ("value", "other"),
    [(1, True), (1, "1"), (1, 1.0), (None, "None"), ({1: "a"}, {"1": "a"}), ({"a": 1}, [["a", 1]]), ([], {})],
)
def test_values_that_are_drawn_otherwise_are_not_taken_for_each_other(draw, value, other):
    assert draw("counting", value) != draw("counting", other)


def test_a_sentence_is_drawn_in_the_language_of_each_reader(draw):
    with in_language("vi"):
        vietnamese = draw("one", _("Columns"))
    with in_language("en"):
        assert (draw("one", _("Columns")), vietnamese) == ("one Columns", "one Cột")


@pytest.mark.parametrize("value", [Markup("<b>An</b>"), object(), {"a": Markup("x")}, [b"x"], {1}])
def test_what_is_neither_plain_nor_a_sentence_is_refused(draw, value):
    with pytest.raises(TypeError):
        draw("one", value)
