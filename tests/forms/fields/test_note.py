from __future__ import annotations

from app.forms import rules
from tests.forms.examples import CONTEXT, Examples

EXAMPLES = Examples("note", right=(), wrong=("x", 5))


def test_nothing_is_kept_and_nothing_is_asked():
    drawn = {"key": "k", "type": "note", "label": "Đọc kỹ", "help": "Bên dưới"}
    definition = rules.read_definition({"name": "x", "fields": [drawn]})
    assert rules.parse_answers(definition, {}, context=CONTEXT).values == {}
    assert rules.json_schema(definition)["properties"] == {}
