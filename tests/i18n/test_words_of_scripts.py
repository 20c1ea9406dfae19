"""Do scripts speak both languages, and the same words as the server? Run by Node, as a browser would read them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from flask import Flask

from app.core.i18n import _, in_language, ngettext
from tools.translations import ROOT

_TELL = """
globalThis.document = { documentElement: { lang: process.argv[1], dataset: {} } };
const { words } = await import(process.argv[2]);
const told = Object.entries(words).map(([key, word]) => {
  if (typeof word !== "function") return [key, { text: word, asks: 0 }];
  const names = Array.from({ length: word.length }, (_, at) => `⟨${at}⟩`);
  return [key, { text: word(...names), asks: word.length, one: word(1), three: word(3) }];
});
console.log(JSON.stringify(Object.fromEntries(told)));
"""


def told_by_node(script: str, *arguments: str) -> Any:
    command = [sys.executable, str(ROOT / "tools" / "node.py"), "node", "--input-type=module", "-e", script, *arguments]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


@pytest.fixture(scope="module")
def words() -> dict[str, dict[str, Any]]:
    """language → key → the text, how much it asks for, and how it reads for 1 and for 3."""
    return {lang: told_by_node(_TELL, lang, (ROOT / "assets/js/words.js").as_uri()) for lang in ("vi", "en")}


def test_both_languages_hold_the_same_words_with_the_same_gaps(words: dict[str, dict[str, Any]]) -> None:
    assert list(words["vi"]) == list(words["en"])
    for key in words["vi"]:
        asked = {lang: words[lang][key]["asks"] for lang in words}
        assert asked["vi"] == asked["en"], key
        for lang in words:
            for gap in range(asked[lang]):
                assert f"⟨{gap}⟩" in words[lang][key]["text"], (lang, key)


def test_no_word_is_empty_or_left_in_the_other_language(words: dict[str, dict[str, Any]]) -> None:
    for key, vietnamese in words["vi"].items():
        english = words["en"][key]
        assert vietnamese["text"].strip(), key
        assert vietnamese["text"] != english["text"], key
        assert not re.search("[ăâđêôơưạảãàáẹẻẽèéịỉĩìíọỏõòóụủũùúỳýỷỹỵ]", english["text"].lower()), key
        assert "!" not in vietnamese["text"] + english["text"], key


SAME = [
    ("late", lambda: _("%(time)s late", time="⟨0⟩"), "text"),
    ("justDue", lambda: _("Just due"), "text"),
    ("left", lambda: _("%(time)s left", time="⟨0⟩"), "text"),
    ("days", lambda: ngettext("%(num)d day", "%(num)d days", 1), "one"),
    ("days", lambda: ngettext("%(num)d day", "%(num)d days", 3), "three"),
    ("hours", lambda: ngettext("%(num)d hour", "%(num)d hours", 1), "one"),
    ("hours", lambda: ngettext("%(num)d hour", "%(num)d hours", 3), "three"),
    ("minutes", lambda: ngettext("%(num)d minute", "%(num)d minutes", 1), "one"),
    ("minutes", lambda: ngettext("%(num)d minute", "%(num)d minutes", 3), "three"),
    ("showPassword", lambda: _("Show password"), "text"),
]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_time_that_runs_in_the_browser_is_told_as_the_server_told_it(
    app: Flask, words: dict[str, dict[str, Any]], language: str
) -> None:
    with app.test_request_context(), in_language(language):
        for key, server, which in SAME:
            assert words[language][key][which] == str(server()), key


_GROUP = """
globalThis.document = { documentElement: { lang: process.argv[1], dataset: {} } };
globalThis.addEventListener = () => {};
const { grouped } = await import(process.argv[2]);
console.log(JSON.stringify(JSON.parse(process.argv[3]).map(grouped)));
"""


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("vi", {"1250000": "1.250.000", "1.2500": "12.500", "12,5": "12,5", "1250000 đ": "1.250.000", "x": "x"}),
        ("en", {"1250000": "1,250,000", "1,2500": "12,500", "12.5": "12.5", "1250000 ₫": "1,250,000", "x": "x"}),
    ],
)  # fmt: skip
def test_an_amount_is_grouped_while_it_is_typed(language: str, written: dict[str, str]) -> None:
    typed = json.dumps(list(written))
    assert told_by_node(_GROUP, language, (ROOT / "assets/js/money.js").as_uri(), typed) == list(written.values())
