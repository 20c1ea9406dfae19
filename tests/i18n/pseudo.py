"""A language in which every translated letter is wide: what stays narrow on a page was not translated, or is data."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from gettext import NullTranslations
from typing import Any

import flask_babel
from lxml.html import HtmlElement, document_fromstring

from tools.translations import PLACEHOLDER


def _wide(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(
        chr(ord(letter) + 0xFEE0) if letter.isascii() and letter.isalpha() else letter
        for letter in letters
        if not unicodedata.combining(letter)
    )


def pseudo(sentence: str) -> str:
    """⟦Ｓａｖｅ %(name)s⟧"""
    parts = PLACEHOLDER.split(sentence)
    kept = [match[0] for match in PLACEHOLDER.finditer(sentence)]
    wide = [_wide(part) for part in parts]
    return "⟦" + "".join(a + b for a, b in zip(wide, [*kept, ""], strict=True)) + "⟧"


class _Pseudo(NullTranslations):
    def gettext(self, message: str) -> str:
        return pseudo(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return pseudo(msgid1 if n == 1 else msgid2)

    ugettext, ungettext = gettext, ngettext


@contextmanager
def every_sentence_wide() -> Iterator[None]:
    """Inside, whatever goes through the catalogue comes out as `pseudo` writes it, whoever reads."""
    before = flask_babel.Domain.get_translations
    spoken = _Pseudo()
    flask_babel.Domain.get_translations = lambda _self: spoken
    try:
        yield
    finally:
        flask_babel.Domain.get_translations = before


_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_WEEKDAY = "(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|[Tt]hứ (?:Hai|Ba|Tư|Năm|Sáu|Bảy)|Chủ Nhật)"
#: What is written without a catalogue: days as app/core/formats.py writes them, sizes, kinds and the one name of files,
#: covered values, the product, its keys.
_WITHOUT_WORDS = re.compile(
    rf"\b(?:{_WEEKDAY} )?\d{{1,2}} {_MONTH}(?: \d{{4}})?\b|\b{_WEEKDAY} \d{{2}}/\d{{2}}\b"
    r"|\b\d[\d.,]*\s[KMG]?B\b|\btantam\.db\b|\S*•••\S*|\b(?:Excel|CSV)\b|\bTận Tâm\b|\bCtrl K\b|\bGMT[+-]\d+(?::\d\d)?"
)
_WORD = re.compile(r"[^\W_](?:[\w\u0300-\u036f]|[-_.@:/+](?=\w))*")
#: Attributes that are read out, shown in passing, or put on the screen by a script.
SPOKEN = ("title", "aria-label", "aria-roledescription", "placeholder", "alt", "label", "data-confirm",
          "data-confirm-yes", "data-command", "data-label", "data-empty")  # fmt: skip
_UNSEEN = {"script", "style", "code", "kbd"}


@dataclass
class Data:
    """What people wrote into the database, and what a test typed. Words of it may stand on a page as they are."""

    phrases: dict[str, list[str]] = field(default_factory=dict)
    #: what was found to be all wide or data already, as menus are on every page
    _fine: set[str] = field(default_factory=set)

    def add(self, texts: Iterable[Any]) -> None:
        for text in texts:
            for line in [str(text), *str(text).splitlines()]:
                phrase = _plain(line)
                first = _WORD.search(phrase)
                if first is None:
                    continue
                phrase = phrase[first.start() :].rstrip(" .,;:!?")
                known = self.phrases.setdefault(first[0], [])
                if phrase not in known:
                    known.append(phrase)
                    known.sort(key=len, reverse=True)

    def left_of(self, text: str) -> str:
        """The first word that is neither wide, nor data, nor a number: "" when all is well."""
        if text in self._fine:
            return ""
        rest = _plain(re.sub("[⟦⟧Ａ-Ｚａ-ｚ]+", " ", text))
        at = 0
        while word := _WORD.search(rest, at):
            at = word.end()
            for phrase in self.phrases.get(word[0], ()):
                end = word.start() + len(phrase)
                if rest.startswith(phrase, word.start()) and not rest[end : end + 1].isalnum():
                    at = end
                    break
            else:
                if any(letter.isalpha() for letter in word[0]):
                    return word[0]
        self._fine.add(text)
        return ""


def _plain(text: str) -> str:
    """Without what is written without a catalogue, and with single blanks."""
    return " ".join(_WITHOUT_WORDS.sub(" ", unicodedata.normalize("NFC", " ".join(text.split()))).split())


def read_page(html: str) -> HtmlElement:
    """The page as a tree, its root <html>."""
    return document_fromstring(html or "<html>")


def untranslated(page: HtmlElement, data: Data) -> list[str]:
    """What a person would see or hear on this page that is neither translated nor data: "where: text"."""
    return [f"{where}: {text!r}" for where, text in _spoken(page) if data.left_of(text)]


def _spoken(tag: HtmlElement, is_unseen: bool = False) -> list[tuple[str, str]]:
    """(where, what) of this tag and all inside; attributes are read out wherever they stand."""
    found = _attributes(tag) if tag.attrib else []
    is_unseen = is_unseen or _is_unseen(tag)
    texts = [tag.text]
    for inner in tag:
        if isinstance(inner.tag, str):  # no comment
            found += _spoken(inner, is_unseen)
        texts.append(inner.tail)
    if not is_unseen:
        found += [(tag.tag, text) for text in texts if text and not text.isspace()]
    return found


def _attributes(tag: HtmlElement) -> list[tuple[str, str]]:
    found = [(f"{tag.tag}[{name}]", tag.attrib[name]) for name in SPOKEN if name in tag.attrib]
    if tag.tag == "input" and tag.get("type") in ("submit", "button", "reset"):
        found.append(("input[value]", tag.get("value", "")))
    if tag.tag == "meta" and tag.get("name") == "description":
        found.append(("meta[description]", tag.get("content", "")))
    return found


def _is_unseen(tag: HtmlElement) -> bool:
    """Scripts; keys of the keyboard; initials in a portrait; the name of a language in that language; a condition."""
    is_portrait = bool({"tt-av", "tt-org__initial"} & set(tag.get("class", "").split()))
    is_language = tag.tag in ("a", "button") and tag.get("lang") in ("vi", "en")
    is_condition = tag.tag == "textarea" and tag.get("name") == "where"
    return tag.tag in _UNSEEN or is_portrait or is_language or is_condition
