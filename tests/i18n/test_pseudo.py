"""Does the check of the pseudo language find what is left untranslated, and nothing else?"""

from __future__ import annotations

import pytest

from tests.i18n.pseudo import Data, pseudo, read_page, untranslated


@pytest.fixture
def data() -> Data:
    known = Data()
    known.add(["Nguyễn Ngọc Lan", "Giao hàng chậm", "KH-000123", "lan@phosen.example", "dòng một\ndòng hai"])
    return known


def test_placeholders_survive_and_letters_become_wide() -> None:
    assert pseudo("%(name)s saved %(num)d files") == "⟦%(name)s ｓａｖｅｄ %(num)d ｆｉｌｅｓ⟧"
    assert pseudo("{{#if %(key)s}} is open") == "⟦{{#if %(key)s}} ｉｓ ｏｐｅｎ⟧"


@pytest.mark.parametrize(
    "html",
    [
        "<button>Save</button>",
        "<p>Nothing here</p>",
        "<p>Chưa có gì</p>",
        f"<p>{pseudo('%s is done') % 'Giao hàng chậm'} today</p>",
        f"<p>{pseudo('State: %s') % 'in_progress'}</p>",
        "<p>Nguyễn Ngọc Lan saved</p>",
        "<p>Giao hàng</p>",
        "<p>Nguyễn Ngọc Lance</p>",
        "<title>Tasks · Tận Tâm</title>",
        '<a title="Open"></a>',
        '<a aria-label="Mở"></a>',
        '<input placeholder="dd/mm/yyyy">',
        '<img alt="Logo">',
        '<button data-confirm="Archive?"></button>',
        '<input type="submit" value="Send">',
        "<template><b>Save</b></template>",
        "<option>None</option>",
        "<p>Monday</p>",
        "<p>Nov</p>",
        "<p>5 days</p>",
        '<p lang="en">Save</p>',
        "<p>null</p>",
    ],
)
def test_a_word_that_nobody_translated_is_found(html: str, data: Data) -> None:
    assert len(untranslated(read_page(html), data)) == 1, html


@pytest.mark.parametrize(
    "html",
    [
        f"<button>{pseudo('Save')}</button>",
        f"<p>{pseudo('%s is done') % 'Giao hàng chậm'} · KH-000123</p>",
        "<p>Nguyễn Ngọc Lan, (Giao hàng chậm)</p>",
        "<p>lan@phosen.example – dòng một\n  dòng hai</p>",
        "<p>0912 345 678 · 22/11/2026 14:30 · 1.250.000 ₫ · 12,5 % · 1–25</p>",
        "<p>Thứ Hai 23/11 09:15 · Monday 23 Nov 09:15 · 22 Nov 2026 14:30 · 340 KB · thứ Ba 24/11</p>",
        "<title>Nguyễn Ngọc Lan · Tận Tâm</title>",
        '<span class="tt-av" aria-hidden="true">L</span><kbd>Esc</kbd><a lang="vi">Tiếng Việt</a>',
        "<script>const save = 1</script><!-- Save -->",
        '<input type="text" value="typed by somebody">',
    ],
)
def test_what_is_translated_or_data_is_left_alone(html: str, data: Data) -> None:
    assert untranslated(read_page(html), data) == []
