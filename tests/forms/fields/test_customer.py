from __future__ import annotations

import pytest

from app.forms.fields.base import Context
from tests.forms.examples import CONTEXT, Examples, a_field

EXAMPLES = Examples(
    "customer",
    right=(("7", 7, "Công ty Sao Mai"), (1, 1, "Nguyễn Văn An")),
    wrong=(2, 0, -1, "-1", 2**31, "99999999999", "An", "1.0", 1.5, "１"),
    is_typed_as_shown=False,
)


def test_a_customer_out_of_sight_shows_no_name():
    one = a_field("customer")
    assert "Sao Mai" in one.type.show(7, one.spec, CONTEXT)
    assert "Sao Mai" not in one.type.show(7, one.spec, Context())
    assert len(one.type.parse(7, one.spec, Context()).problems) == 1


@pytest.mark.parametrize(
    ("words", "meant", "told"),
    [
        ("sao mai", 7, ""),
        ("7", None, "No customer"),
        ("n", None, "Nguyễn Văn An, Công ty Sao Mai"),
        ("\0", None, "No customer"),
    ],
)
def test_where_no_script_looks_him_up_he_is_named_in_words_that_mean_one(words, meant, told):
    one = a_field("customer")
    raw = one.type.gather({"": ["1"], "words": [words]})
    found = one.type.parse(raw, one.spec, CONTEXT)
    assert found.value == meant
    assert all(told in str(sentence) for sentence in found.problems)
    assert one.type.parse(one.type.gather({"": ["1"], "words": [" "]}), one.spec, CONTEXT).value == 1
