"""What stands on paper: emoji, signs that no font has, photos, and the names of pictures that cannot be drawn."""

from __future__ import annotations

from app.forms.printing.letters import printable
from config import ROOT
from tests.company.pictures import as_file, png
from tests.forms import test_filling as filling
from tests.forms.test_uploads import a_picture

asked = filling.asked
FONTS = ROOT / "app" / "static" / "dist"


def test_what_no_font_has_becomes_a_square_and_nothing_else_changes():
    said = "Phở ngon 🙂👍🏽, đắt quá: 1.250.000 ₫ – “ừ”…\n"
    assert printable(said, FONTS) == said
    assert printable("Ấm 中 ok ☭, 1️⃣ ❤️", FONTS) == "Ấm ◻ ok ◻, 1 ❤"


def test_photos_are_printed_and_one_that_cannot_be_drawn_takes_no_other_away(client, asked):
    lan = client("lan")
    page = filling.opened(lan)
    path = page.soup.find("input", type="file")["data-upload-to"]
    both = [a_picture("móp.jpg"), (as_file(png(40, 30)), "hộp.png")]
    sent = [str(lan.post(path, data={"file": one}).json["id"]) for one in both]
    plain, _soup = filling.opened(lan).typed(what="Móp 24/11, “ừ” – 1.000 ₫").send()
    assert b"NotoEmoji" not in lan.get(f"{plain.location}/phieu.pdf").data  # its digits are as wide as emoji
    answer, _soup = page.typed(what="Móp 🙁", photos=sent).send()
    paper = lan.get(f"{answer.location}/phieu.pdf").data.replace(b" ", b"")
    assert paper.startswith(b"%PDF-")
    assert paper.count(b"/Subtype/Image") == 1
    assert b"NotoEmoji" in paper
