"""Which patterns does the browser try by itself? None that could keep it busy; those are left to the server."""

from __future__ import annotations

import json
from typing import Any

from app.forms.fields.patterns import fits
from tests.i18n.test_words_of_scripts import told_by_node
from tools.translations import ROOT

_TRIED = """
const { isQuick, LONGEST } = await import(process.argv[1]);
const text = "a".repeat(LONGEST - 1) + "b";
const told = JSON.parse(process.argv[2]).map((pattern) => {
  if (!isQuick(pattern)) return { quick: false };
  const began = performance.now();
  try {
    const fits = new RegExp(`^(?:${pattern})$`, "u").test(text);
    return { quick: true, fits, ms: performance.now() - began };
  } catch {
    return { quick: false };
  }
});
console.log(JSON.stringify(told));
"""
#: with each, 100 letters would keep a browser for longer than anybody waits
ENDLESS = [
    "(a?){40}a{40}", "(a{1,20}){1,20}c", "(a+)+$", "(a|a)*c", "(a*)*c", "((a{0,3}){0,3}){0,9}c", "a*a*a*c",
    "(?:a|aa)+c", "(?:a?a?){30}c", "a?" * 40 + "a{40}", "(?<x>a+){9}c", "(a{0,30}|b{0,30}){5}c", "(a?)" * 30 + "c",
    "a{0,9}?a{0,9}?a{0,9}?a{0,9}?a{0,9}?c",
]  # fmt: skip
QUICK = [
    "PS-[0-9]{5}", r"\d{2}[A-Z]-\d{3}(?:\.\d{2})?", r"(0|\+84)\d{9}", "[^@]+@[^@]+", "a*b?", r"(\d{3}[- ]?){3}",
    r"[()*+?{1,2}]+", r"\(\d+\)", r"\p{Lu}{2,4}", "(?:a|b)(?:c|d)?", "a?a?(a*)(a*)c", "(a{2}){50}", r"[\]*]*\[*",
]  # fmt: skip


def tried(patterns: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told_by_node(
        _TRIED, (ROOT / "assets/js/quick-pattern.js").as_uri(), json.dumps(patterns)
    )
    return found


def test_what_could_keep_the_browser_busy_is_left_to_the_server():
    assert [pattern for pattern, one in zip(ENDLESS, tried(ENDLESS), strict=True) if one["quick"]] == []


def test_what_is_tried_there_is_over_at_once_and_comes_to_the_same():
    text = "a" * 99 + "b"
    for pattern, one in zip(QUICK, tried(QUICK), strict=True):
        assert one["quick"], pattern
        assert one["fits"] == fits(pattern, text), pattern
        assert one["ms"] < 500, pattern


def test_what_only_the_server_reads_is_left_to_it_too():
    patterns = ["(?P<x>a)", "*a", "a)", "(a", r"\Qa\E", "[[:alpha:]]+"]
    assert not any(one["quick"] for one in tried(patterns))
