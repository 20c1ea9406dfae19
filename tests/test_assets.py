"""What is built for browsers is used: no style for markup that no page has any more, no icon that nobody draws."""

from __future__ import annotations

import re

from config import ROOT

ASSETS = ROOT / "assets"
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CLASS = re.compile(r"\.((?:tt|is|ts|lg)-[a-zA-Z0-9_-]+)")
#: written by Tom Select into the page
_FOREIGN = re.compile(r"ts-")


class Used:
    """All that can stand in a page: the words of templates, screens and scripts."""

    def __init__(self, text: str) -> None:
        self.words = set(re.findall(r"[\w-]+", text))
        #: `tt-st--{{ kind }}`, `tt-st--${kind}`, `"tt-st--" ~ kind`: the page writes the end of it
        self.stems = set(re.findall(r"([\w-]+-)(?=\{\{|\$\{|['\"] ?~)", text))

    @classmethod
    def in_product(cls) -> Used:
        files = [
            *(ROOT / "app").rglob("*.html"),
            *(path for path in (ROOT / "app").rglob("*.py") if "migrations" not in path.parts),
            *(ASSETS / "js").rglob("*.js"),
        ]
        return cls("\n".join(path.read_text("utf-8") for path in files))

    def __contains__(self, name: str) -> bool:
        return name in self.words or any(name.startswith(stem) for stem in self.stems)


def test_every_class_that_is_styled_stands_on_a_page():
    used = Used.in_product()
    styled = {
        (path.name, name)
        for path in (ASSETS / "css").glob("*.css")
        for name in _CLASS.findall(_COMMENT.sub("", path.read_text("utf-8")))
        if not _FOREIGN.match(name)
    }
    assert len(styled) > 200
    assert sorted(f"{file}: .{name}" for file, name in styled if name not in used) == []


def test_every_icon_of_the_sprite_is_drawn_somewhere():
    names = set((ASSETS / "icons.txt").read_text("utf-8").split())
    assert len(names) > 50
    assert names - Used.in_product().words == set()


def test_the_checker_finds_a_class_that_nobody_uses():
    used = Used('<b class="tt-st tt-st--{{ kind }}">')
    assert "tt-st" in used
    assert "tt-st--late" in used
    assert "tt-stale" not in used
    assert "tt-sts--late" not in used
