"""Does a form still mean the same, and is what is different told in words?"""

from __future__ import annotations

import pytest

from app.core.i18n import in_language
from app.forms.meaning import changes, same_meaning

TEXT = {"key": "note", "type": "long_text", "label": "Ghi chú", "help": "Ngắn gọn", "rows": 4}
COLOUR = {
    "key": "colour", "type": "choice", "label": "Màu",
    "options": [{"value": "r", "label": "Đỏ"}, {"value": "b", "label": "Xanh"}],
}  # fmt: skip
ITEMS = {"key": "items", "type": "rows", "label": "Hàng", "fields": [{"key": "n", "type": "integer", "label": "Số"}]}
TOLD = {"key": "told", "type": "note", "label": "Lưu ý"}


def drawn(*fields: dict, **more: object) -> dict:
    return {"name": "Phiếu", "fields": list(fields), **more}


BEFORE = drawn(TEXT, COLOUR, ITEMS)

SAME = [
    drawn(COLOUR, TEXT, ITEMS),
    drawn({**TEXT, "label": {"vi": "Ghi", "en": "Note"}, "help": "", "rows": 9, "required": False, "width": "half"},
          COLOUR, ITEMS),
    drawn(TEXT, {**COLOUR, "options": [{**COLOUR["options"][1], "label": "Lam"}, COLOUR["options"][0]]}, ITEMS),
    drawn(TEXT, COLOUR, {**ITEMS, "fields": [{**ITEMS["fields"][0], "label": "Lượng"}]}),
    drawn(TOLD, TEXT, COLOUR, ITEMS, pages=[{"key": "a", "title": "A"}], name="Khác"),
]  # fmt: skip
OTHER = [
    drawn(
        {**TEXT, "section": "s"},
        COLOUR,
        ITEMS,
        sections=[
            {"key": "s", "title": "S", "visible_if": {"field": "colour", "op": "=", "value": "r"}},
        ],
    ),
    drawn({**TEXT, "visible_if": {"field": "colour", "op": "=", "value": "r"}}, COLOUR, ITEMS),
    drawn(TEXT, COLOUR),
    drawn(TEXT, COLOUR, ITEMS, {"key": "more", "type": "text", "label": "Thêm"}),
    drawn({**TEXT, "required": True}, COLOUR, ITEMS),
    drawn({**TEXT, "type": "text"}, COLOUR, ITEMS),
    drawn({**TEXT, "max_length": 10}, COLOUR, ITEMS),
    drawn({**TEXT, "retired": True}, COLOUR, ITEMS),
    drawn(TEXT, {**COLOUR, "options": COLOUR["options"][:1]}, ITEMS),
    drawn(TEXT, {**COLOUR, "options": [{**COLOUR["options"][0], "retired": True}, COLOUR["options"][1]]}, ITEMS),
    drawn(TEXT, COLOUR, {**ITEMS, "fields": [{**ITEMS["fields"][0], "min": 0}]}),
]


@pytest.mark.parametrize("after", SAME)
def test_other_words_and_places_mean_the_same(page, after):
    assert same_meaning(BEFORE, after)
    assert changes(BEFORE, after)


@pytest.mark.parametrize("after", OTHER)
def test_what_answers_are_judged_by_is_meaning(page, after):
    assert not same_meaning(BEFORE, after)
    assert changes(BEFORE, after)


def test_nothing_is_told_of_what_stayed(page):
    same = drawn({**TEXT, "required": False, "default": None}, COLOUR, ITEMS, pages=[])
    assert changes(BEFORE, same) == []


def test_what_changed_is_told_in_words(page):
    after = drawn(
        {"key": "ok", "type": "yes_no", "label": "Xong"},
        {**TEXT, "label": "Nội dung", "required": True, "max_length": 2000, "rows": 6},
        {**COLOUR, "options": [{"value": "r", "label": "Đỏ tươi"}, {"value": "v", "label": "Vàng"}]},
        {**ITEMS, "fields": [{**ITEMS["fields"][0], "retired": True}],
         "visible_if": {"field": "ok", "op": "=", "value": True}},
    )  # fmt: skip
    with in_language("en"):
        told = [str(one.message) for one in changes(BEFORE, {**after, "name": "Phiếu mới"})]
    assert told == [
        "The form is called “Phiếu mới” now, before: “Phiếu”.",
        "New: “Xong” (Yes or no).",
        "“Ghi chú” is called “Nội dung” now.",
        "“Nội dung”: Required – on now.",
        "“Nội dung”: Characters at most – 2,000.",
        "“Nội dung”: Height in lines – 6, before: 4.",
        "“Màu”: “Đỏ” is called “Đỏ tươi” now.",
        "“Màu” also offers “Vàng”.",
        "“Màu” no longer offers “Xanh”.",
        "“Hàng › Số” is retired: nobody is asked any more.",
        "“Hàng”: Asked only when – changed.",
    ]
