"""Is every sentence there in Vietnamese, and does it reach the reader?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from flask import Flask
from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
from flask_appbuilder.forms import DynamicForm
from flask_babel import force_locale, gettext
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.core.i18n import _, in_language, ngettext
from tools import translations


@pytest.fixture(scope="module")
def sentences() -> Catalog:
    """Every sentence of the product and its packages: reading them all takes seconds."""
    return translations.sentences()


@pytest.fixture
def vietnamese(app: Flask) -> Iterator[None]:
    """A request of somebody who reads Vietnamese, on the compiled catalogue."""
    with app.test_request_context(headers={"Accept-Language": "vi"}):
        yield


class _Form(DynamicForm):
    name = StringField("Name", [InputRequired()], widget=BS3TextFieldWidget())
    code = StringField("Code", [Length(max=3)], widget=BS3TextFieldWidget())


def catalogue_of(sentence: str | tuple[str, str], translation: str, *, comment: str = "") -> Catalog:
    catalog = Catalog(locale="vi")
    plural = not isinstance(sentence, str)
    catalog.add(sentence, (translation,) if plural else translation, user_comments=[comment] if comment else [])
    return catalog


def flaws(sentence: str | tuple[str, str], translation: str, *, comment: str = "") -> list[str]:
    used = catalogue_of(sentence, "")
    return list(translations.problems(catalogue_of(sentence, translation, comment=comment), used))


def test_every_sentence_of_the_product_and_its_packages_has_a_right_translation(sentences: Catalog) -> None:
    assert list(translations.problems(translations.read(translations.CATALOGUE), sentences)) == []


def test_our_sentences_and_those_of_the_packages_are_collected(sentences: Catalog) -> None:
    for sentence in ("Sign out", "Claim", "%(time)s late", "No records found", "Invalid email address."):
        assert sentences.get(sentence) is not None, sentence
    for package, number in {"flask_appbuilder/": 155, "wtforms/": 39, "flask_wtf/": 3}.items():
        assert (
            sum(any(file.startswith(package) for file, _line in message.locations) for message in sentences) == number
        )


@pytest.mark.parametrize(
    ("sentence", "translation", "flaw"),
    [
        ("Sign out", "", "missing"),
        ("Hello %(name)s", "Chào bạn", "lacks %(name)s"),
        ("%(num)d of %(count)d", "%(num)s trong %(count)d", "lacks %(num)d"),
        ("Hello", "Chào %(name)s", "has %(name)s"),
        ("Done", "Xong 100%", "lone %"),
        (("%(num)d day", "%(num)d days"), "ngày", "lacks %(num)d"),
        ("Sign in with ", "Đăng nhập bằng", "blank"),
        ("Sign out", "Sign out", "English"),
        ("Saved.", "Đã lưu!", "says “!”"),
        ("Open", "Mở", "several meanings"),
    ],
)
def test_a_wrong_translation_is_found(sentence: str | tuple[str, str], translation: str, flaw: str) -> None:
    assert [line for line in flaws(sentence, translation) if flaw in line], flaws(sentence, translation)


@pytest.mark.parametrize(
    ("sentence", "translation", "comment"),
    [
        ("Sign out", "Đăng xuất", ""),
        ("Zalo", "Zalo", ""),
        ("%(weekday)s %(day)s", "%(weekday)s %(day)s", ""),
        (("%(num)d day", "%(num)d days"), "%(num)d ngày", ""),
        ("Open", "Mở", "button: show the record"),
        ("Signs: = !=", "Dấu: = !=", ""),
    ],
)
def test_a_right_translation_is_left_alone(sentence: str | tuple[str, str], translation: str, comment: str) -> None:
    assert flaws(sentence, translation, comment=comment) == []


def test_a_fuzzy_translation_and_one_that_nobody_uses_are_found() -> None:
    catalog = catalogue_of("Sign out", "Đăng xuất")
    catalog.add("Hello", "Chào", flags={"fuzzy"})
    lines = list(translations.problems(catalog, catalogue_of("Hello", "")))
    assert lines == ["no longer used: 'Sign out'", "fuzzy: 'Hello'"]


def test_update_takes_parts_in_and_keeps_what_may_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue, parts = tmp_path / "messages.po", tmp_path / "parts"
    parts.mkdir()
    monkeypatch.setattr(translations, "CATALOGUE", catalogue)
    monkeypatch.setattr(translations, "PARTS", parts)
    monkeypatch.setattr(translations, "sentences", lambda: catalogue_of("Sign out", ""))
    part = parts / "mine.po"
    part.write_text('msgid "Sign out"\nmsgstr "Đăng xuất"\n\nmsgid "Later"\nmsgstr "Để sau"\n', encoding="utf-8")

    assert translations.update() == ["no longer used: 'Later' (update --forget drops it)"]
    assert not part.exists()
    part.write_text('msgid "Sign out"\nmsgstr "Thoát"\n', encoding="utf-8")
    kept, _unused = translations.update()
    assert kept == "mine.po: 'Sign out': kept “Đăng xuất”, not “Thoát”"

    monkeypatch.setattr(translations, "sentences", lambda: catalogue_of("Later", ""))
    translations.update()
    assert translations.read(catalogue).get("Later").string == "Để sau"
    assert translations.update(forget=True) == []
    assert "Sign out" not in catalogue.read_text(encoding="utf-8")


def test_the_compiled_catalogue_is_not_older_than_its_source() -> None:
    compiled = translations.CATALOGUE.with_suffix(".mo")
    assert compiled.exists(), "python -m tools.translations compile"
    assert compiled.stat().st_mtime >= translations.CATALOGUE.stat().st_mtime, "python -m tools.translations compile"


@pytest.mark.usefixtures("vietnamese")
def test_fab_wtforms_and_we_speak_vietnamese() -> None:
    assert gettext("No records found") == "Không tìm thấy mục nào"
    assert str(_("Sign out")) == "Đăng xuất"
    form = _Form(data={"code": "quá dài"})
    assert not form.validate()
    assert form.errors["name"] == ["Điền thông tin vào đây."]
    assert form.errors["code"] == ["Nhập tối đa 3 ký tự."]


@pytest.mark.usefixtures("vietnamese")
@pytest.mark.parametrize(("count", "vietnamese_text", "english"), [(1, "1 ngày", "1 day"), (3, "3 ngày", "3 days")])
def test_numbers_of_things_are_told_in_both_languages(count: int, vietnamese_text: str, english: str) -> None:
    told = ngettext("%(num)d day", "%(num)d days", count)
    assert str(told) == vietnamese_text
    with in_language("en"):
        assert str(told) == english


def test_pages_and_programs_are_answered_in_their_language(app: Flask) -> None:
    browser = app.test_client()
    assert "Đăng nhập" in browser.get("/login/").text
    english = browser.get("/login/?lang=en").text
    assert "Sign in" in english
    assert "Đăng nhập" not in english
    for language, message in {"vi": "Bạn cần đăng nhập trước.", "en": "Please sign in first."}.items():
        assert browser.get("/api/v1/tasks/", headers={"Accept-Language": language}).json["message"] == message


@pytest.mark.usefixtures("vietnamese")
def test_a_language_that_we_do_not_speak_reads_vietnamese() -> None:
    with in_language("fr"):
        assert str(_("Sign out")) == "Đăng xuất"
    with force_locale("en"):
        assert str(_("Sign out")) == "Sign out"
