"""How do Vietnamese names and texts become searchable, and how are they put into order?"""

from __future__ import annotations

import re
import unicodedata

from app.core.vietnamese.keyboard import as_typed

#: Names have up to 200 characters; only invented ones need more than this, and lose the end of their key.
SORT_KEY_LENGTH = 400
_MARKS = re.compile("[\u0300-\u036f]+")
# đ has no decomposition in Unicode; ð and ɖ look the same in capitals (Ð, Ɖ) and stand for it in old files.
_D_STROKE = str.maketrans("ðɖ", "đđ")
_D = str.maketrans("đ", "d")


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFKD", as_typed(text)).lower().translate(_D_STROKE)


def fold(text: str) -> str:
    """The text as one searches it: no marks, d for đ, lower case, single spaces, half-width. For searching only."""
    return " ".join(_MARKS.sub("", _decomposed(text)).translate(_D).split())


# Letter by letter, so that a database can do the same: every marked letter of the alphabet, and its plain one.
_MARKED = {
    unicodedata.normalize("NFC", shape + tone): unicodedata.normalize("NFD", shape)[0]
    for shape in "aăâeêioôơuưy" for tone in ("", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323")
    if (shape + tone).isascii() is False
} | dict.fromkeys("đðɖ", "d")  # fmt: skip
MARKED, PLAIN = "".join(_MARKED), "".join(_MARKED.values())
_PLAIN_LETTERS = str.maketrans(MARKED, PLAIN)


def plain_letters(text: str) -> str:
    """Part of a text is looked for in this: lower case, without the marks of Vietnamese letters, d for đ, and as long
    as its NFC. Nothing else of it changes, unlike with fold()."""
    text = text.lower()
    return text if text.isascii() else unicodedata.normalize("NFC", text).translate(_PLAIN_LETTERS)


def alike(letter: str) -> str:
    """All lower-case letters with the plain form of this one, itself the first: "a" → "aàảãáạăằ…"."""
    plain = letter.translate(_PLAIN_LETTERS)
    return plain + "".join(marked for marked, its in _MARKED.items() if its == plain)


# A letter with its own place in the alphabet becomes its plain letter and a sign behind z (TCVN 5712 order):
# a < a{ (ă) < a| (â) < b. The tones are no letters: they only decide between equal spellings.
_LETTERS = str.maketrans({"ă": "a{", "â": "a|", "đ": "d{", "ê": "e{", "ô": "o{", "ơ": "o|", "ư": "u{"})
# ngang 0, huyền 1, hỏi 2, ngã 3, sắc 4, nặng 5
_TONES = {"\u0300": "1", "\u0309": "2", "\u0303": "3", "\u0301": "4", "\u0323": "5"}
_WORD = re.compile("(?:[^\\W_]|[\u0300-\u036f])+")


def _spelling(word: str) -> str:
    shape = "".join(mark for mark in word if mark not in _TONES)
    lettered = unicodedata.normalize("NFC", shape).translate(_LETTERS)
    return _MARKS.sub("", unicodedata.normalize("NFD", lettered))


def _tones(word: str) -> str:
    return "".join(_TONES[mark] for mark in word if mark in _TONES) or "0"


def sort_key(full_name: str, *, person: bool = True) -> str:
    """The key that puts names into Vietnamese order when compared byte by byte (`core.db.sorted_text`).

    People stand under their given name, which is the last word, then family name and middle names;
    `person=False` (companies, teams) sorts from the first word. Spelling first, tones only between equal spellings.
    """
    words = _WORD.findall(_decomposed(full_name))
    if not words:
        return ""
    if person:
        words = [words[-1], *words[:-1]]
    # Two spaces sort before any further word, so that An stands before An Bình.
    return f"{' '.join(map(_spelling, words))}  {' '.join(map(_tones, words))}"[:SORT_KEY_LENGTH]
