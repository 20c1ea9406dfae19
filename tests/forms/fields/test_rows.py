from __future__ import annotations

import pytest

from app.forms import rules
from tests.forms.examples import CONTEXT, Examples, a_field, read

COLUMNS = [
    {"key": "what", "type": "text", "label": "Tên hàng", "required": True},
    {"key": "count", "type": "integer", "label": "Số lượng", "min": 1},
    {"key": "price", "type": "money", "label": "Đơn giá"},
    {"key": "amount", "type": "calculated", "label": "Thành tiền", "formula": "count * price", "shown_as": "money"},
]
PHO = {"what": "Bánh phở", "count": 2, "price": 15_000, "amount": 30_000}
EXAMPLES = Examples(
    "rows",
    right=(
        ([{"what": "Bánh phở", "count": "2", "price": "15.000"}], [PHO],
         "Tên hàng: Bánh phở, Số lượng: 2, Đơn giá: 15.000\u00a0₫, Thành tiền: 30.000\u00a0₫\n"
         "In all: Thành tiền: 30.000\u00a0₫"),
        ([{"what": "Hành"}, {"what": " ", "count": ""}], [{"what": "Hành"}],
         "Tên hàng: Hành\nIn all: Thành tiền: 0\u00a0₫"),
    ),
    wrong=([{"count": 2}], [{"what": "x", "count": 0}], [{"what": "x", "colour": 1}], [{"what": "x", "amount": 5}],
           [5], {"what": "x"}, "x", [{"what": "x"}] * 21),
    settings={"fields": COLUMNS, "sums": ["amount"]},
    is_typed_as_shown=False,
)  # fmt: skip


def test_what_is_wrong_is_told_with_its_row_and_column():
    parsed = read("rows", [{"what": "x"}, {"count": "không"}], fields=COLUMNS)
    assert set(parsed.inside) == {"1.what", "1.count"}
    assert len(parsed.problems) == 1


def test_a_page_names_its_cells_by_row_and_column():
    one = a_field("rows", fields=COLUMNS)
    posted = {"0.what": ["Bánh phở"], "0.count": ["2"], "0.price": ["15.000"], "3.what": [""], "x.what": ["?"]}
    assert one.type.parse(one.type.gather(posted), one.spec, CONTEXT).value == [PHO]


def test_a_row_knows_its_own_columns_only():
    columns = [{"key": "amount", "type": "money", "label": "a"},
               {"key": "double", "type": "calculated", "label": "b", "formula": "amount * 2"},
               {"key": "what", "type": "text", "label": "c"}]  # fmt: skip
    # Outside of the rows, too, there is an amount.
    assert read("rows", [{"what": "x"}], fields=columns).value == [{"what": "x"}]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({}, "no_fields"),
        ({"fields": [{"key": "a", "type": "rows", "label": "x", "fields": COLUMNS}]}, "not_in_rows"),
        ({"fields": [{"key": "a", "type": "text", "label": ""}]}, "no_words"),
        ({"fields": [COLUMNS[0], COLUMNS[0]]}, "duplicate_key"),
        ({"fields": COLUMNS, "sums": ["what"]}, "bad_reference"),
        ({"fields": COLUMNS, "min": 3, "max": 2}, "bounds_crossed"),
    ],
)
def test_a_flaw_in_the_columns_keeps_the_form_from_being_published(settings, code):
    drawn = {"key": "k", "type": "rows", "label": "x", **settings}
    assert code in [one.code for one in rules.check_definition({"name": "x", "fields": [drawn]})]
