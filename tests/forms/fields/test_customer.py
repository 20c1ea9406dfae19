from __future__ import annotations

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
