"""No screen speaks Flask-AppBuilder's English: every title and label is ours, and there in Vietnamese."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup

from app.core.i18n import LazySentence, in_language
from app.core.screens import all_screens

#: What FAB makes up from a class or a column: "List Member", "Created By".
FABS = re.compile(r"\b(?:List|Show|Add|Edit) [A-Z]\w+\b|\w+_\w+")


def words(screen) -> dict[str, object]:
    """Everything that a screen says by itself: where it stands → the sentence."""
    said = {name: getattr(screen, name) for name in ("list_title", "show_title", "title")}
    said |= {"add_title": screen.add_title} if screen.add_columns else {}
    said |= {"edit_title": screen.edit_title} if screen.edit_columns else {}
    shown = {*screen.list_columns, *screen.show_columns, *screen.add_columns, *screen.edit_columns,
             *screen.search_columns}  # fmt: skip
    said |= {f"label of {column}": screen.label_columns[column] for column in shown}
    said |= {f"tab {name}": title for name, title in screen.related_titles.items()}
    said |= {f"action {one.name}": one.text for one in screen.actions.values()}
    said |= {f"question of {one.name}": one.confirmation for one in screen.actions.values() if one.confirmation}
    return said


def test_every_word_of_every_screen_is_ours_and_translated(app):
    screens = all_screens(app.appbuilder)
    assert {type(screen).__name__ for screen in screens} >= {
        "CustomerScreen",
        "MemberScreen",
        "TeamScreen",
        "RoleScreen",
    }
    found = []
    with app.test_request_context():
        for screen in screens:
            for where, sentence in words(screen).items():
                place = f"{type(screen).__name__}: {where}: {sentence!s}"
                if not isinstance(sentence, LazySentence):
                    found.append(f"{place} is not ours")
                    continue
                with in_language("en"):
                    english = str(sentence)
                with in_language("vi"):
                    vietnamese = str(sentence)
                if not english.strip() or FABS.search(english) or FABS.search(vietnamese):
                    found.append(f"{place} is FAB's guess")
                if vietnamese == english and english not in ("Email", "Logo"):
                    found.append(f"{place} is not translated")
    assert found == []


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_title_of_every_list_is_on_its_page(app, client, language):
    browser = client("hoa")
    browser.post("/tai-khoan/ngon-ngu", data={"language": language, "back": "/"})
    for screen in all_screens(app.appbuilder):
        if "<" in screen.route_base:
            continue  # the list of one form's answers bears its name: tests/forms/submissions
        page = BeautifulSoup(browser.get(f"{screen.route_base}/list/").text, "lxml")
        with app.test_request_context(), in_language(language):
            assert page.h1.contents[0].strip() == str(screen.list_title), screen.route_base
            heads = {head.get_text(strip=True) for head in page.select("thead th")}
            if heads:
                assert heads >= {str(screen.label_columns[column]) for column in screen.list_columns}
        assert page.html["lang"] == language
        assert not FABS.search(page.title.text)
