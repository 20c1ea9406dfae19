"""Do fields stand where the admin put them, and is a place that is not there told by name?"""

from __future__ import annotations

from typing import Any

from app.forms import layout, rules

_SHOP = {"key": "shop", "type": "text", "label": "Cửa hàng"}
_WHY = {"key": "why", "type": "long_text", "label": "Lý do", "section": "reason", "width": "half"}


def form(**more: Any) -> dict[str, Any]:
    return {"name": "Phiếu", "fields": [_WHY, _SHOP], **more}


def test_without_sections_everything_stands_in_one_that_has_no_title():
    definition = rules.read_definition({"name": "Phiếu", "fields": [_SHOP]})
    [(page, [only])] = layout.placed(definition.pages, definition.sections, definition.fields)
    assert (page.title, only.section.title, [one.key for one in only.fields]) == ("", "", ["shop"])


def test_a_field_stands_in_its_section_and_one_that_names_none_in_the_first():
    drawn = form(
        pages=[{"key": "p1", "title": "Đơn"}, {"key": "p2", "title": "Lý do"}],
        sections=[{"key": "order", "title": "Đơn hàng"}, {"key": "reason", "page": "p2"}],
    )
    assert rules.check_definition(drawn) == []
    definition = rules.read_definition(drawn)
    told = [
        (page.key, [(part.section.key, [one.key for one in part.fields]) for part in parts])
        for page, parts in layout.placed(definition.pages, definition.sections, definition.fields)
    ]
    assert told == [("p1", [("order", ["shop"])]), ("p2", [("reason", ["why"])])]
    assert definition.fields[0].spec.width == "half"


def test_what_is_wrong_with_a_place_is_told_where_it_is():
    drawn = form(
        pages=[{"key": "p1"}, {"key": "p1"}],
        sections=[{"key": "a", "page": "p9", "theme": 1}, {"key": "B"}, 7],
    )
    drawn["fields"] = [_WHY, {**_SHOP, "width": "huge", "read_roles": [], "personal_data": 3}]
    assert {(one.path, one.code) for one in rules.check_definition(drawn)} == {
        ("pages[1].key", "duplicate_key"),
        ("sections[0].page", "dead_reference"),
        ("sections[0].theme", "unknown_property"),
        ("sections[1].key", "bad_key"),
        ("sections[2]", "not_an_object"),
        ("fields[0].section", "dead_reference"),
        ("fields[1].width", "bad_choice"),
        ("fields[1].read_roles", "bad_roles"),
        ("fields[1].personal_data", "bad_choice"),
    }
