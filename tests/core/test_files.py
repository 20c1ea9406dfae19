"""Uploads: what is taken in, under which name, and who gets it back."""

from __future__ import annotations

import io
import os
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.core import clock, files
from app.core.access import SYSTEM, Actor
from app.core.db import db, transaction
from app.core.errors import NotFoundError
from app.core.files import FileRefusedError, ReceivedFile, StoredFile
from app.security.queries import member_by_username

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00"
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 "
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
HTML = b"<!doctype html><script>alert(1)</script>"
SCRIPT_IN_GIF = b"GIF89a/*\x00\x00\x00\x00*/=1;alert(document.cookie)//"
PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00"


def office(*parts: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for part in parts:
            archive.writestr(part, "<xml/>" * 50)
    return written.getvalue()


def open_document() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", "<xml/>")
    return written.getvalue()


CONTENTS = "[Content_Types].xml", "_rels/.rels"
MANY_PARTS = [f"customXml/item{number}.xml" for number in range(30)]


@pytest.fixture(autouse=True)
def owners() -> Iterator[None]:
    """Letters may be seen by the one whose user id they carry."""
    before = dict(files._owners)
    files.register_owner("letter", _may_see)
    yield
    files._owners.clear()
    files._owners.update(before)


def _may_see(_session: Session, actor: Actor, owner_id: int) -> bool:
    return actor.user_id == owner_id


@pytest.fixture
def inside(app: Flask) -> Iterator[Path]:
    """An application context; gives the upload folder, empty."""
    with app.app_context():
        folder = files.folder()
        for left in folder.iterdir():
            left.unlink()
        yield folder


@pytest.fixture
def upload(app: Flask) -> Callable[..., int]:
    """Upload a file to a letter; gives the file's id."""

    def write(owner_id: int, contents: bytes = PDF, name: str = "hoa-don.pdf") -> int:
        with app.app_context():
            received = files.receive(io.BytesIO(contents), name)
            with transaction(SYSTEM) as session:
                return files.keep(session, received, owner_type="letter", owner_id=owner_id).id

    return write


@pytest.fixture
def lan(app: Flask) -> int:
    """Lan's user id. (The fixture `cast` keeps a context open, in which all requests would be one person's.)"""
    with app.app_context():
        member = member_by_username(db.session(), "lan")
        assert member is not None
        return member.id


def receive(contents: bytes, name: str | None) -> ReceivedFile:
    return files.receive(io.BytesIO(contents), name)


# ── kinds ──


@pytest.mark.parametrize(
    ("name", "contents", "content_type"),
    [
        ("anh.png", PNG, "image/png"),
        ("anh.JPG", JPEG, "image/jpeg"),
        ("anh.jpeg", JPEG, "image/jpeg"),
        ("anh.gif", GIF, "image/gif"),
        ("anh.webp", WEBP, "image/webp"),
        ("anh.heic", HEIC, "image/heic"),
        ("hoa-don.pdf", PDF, "application/pdf"),
        ("thu.docx", office(*CONTENTS, "word/document.xml"), files.CONTENT_TYPES["docx"]),
        ("thu.docx", office(*CONTENTS, *MANY_PARTS, "word/document.xml"), files.CONTENT_TYPES["docx"]),
        ("bang.xlsx", office(*CONTENTS, "xl/workbook.xml"), files.CONTENT_TYPES["xlsx"]),
        ("trinh-bay.pptx", office(*CONTENTS, "ppt/presentation.xml"), files.CONTENT_TYPES["pptx"]),
        ("thu.odt", open_document(), files.CONTENT_TYPES["odt"]),
        ("ghi-chu.txt", "Chào chị Duyên\n".encode(), "text/plain"),
        ("khach.csv", "\ufeffBMI;tên\n1;Ưng\n".encode(), "text/csv"),
    ],
)
def test_kinds_that_people_work_with_are_taken(name: str, contents: bytes, content_type: str, inside: Path) -> None:
    received = receive(contents, name)
    kept = inside / received.path
    assert (received.content_type, received.size) == (content_type, len(contents))
    assert kept.read_bytes() == contents
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("anh.svg", SVG),
        ("trang.html", HTML),
        ("trang.htm", HTML),
        ("ma.js", b"alert(1)"),
        ("chay.exe", PROGRAM),
        ("thu.docm", office(*CONTENTS, "word/document.xml")),
        ("nen.zip", office("a.txt")),
        ("anh.png.html", PNG),
        ("hoa-don.pdf.exe", PDF),
        ("anh.png.", PNG),
        ("anh.png\u202egpj.exe", PNG),
        ("khong-duoi", PDF),
        (".pdf", PDF),
        ("", PDF),
        (None, PDF),
        ("../", PDF),
        # the name says one thing, the contents another
        ("anh.png", HTML),
        ("anh.png", SVG),
        ("anh.png", GIF),
        ("anh.html.png", HTML),
        ("anh.gif", b"alert(1)"),
        ("hoa-don.pdf", PROGRAM),
        ("hoa-don.pdf", HTML),
        ("thu.docx", office("a.txt")),
        ("thu.docx", office(*CONTENTS, "xl/workbook.xml")),
        ("thu.docx", PDF),
        ("ghi-chu.txt", PROGRAM),
        ("ghi-chu.txt", b"a\0b"),
        ("khach.csv", "tên".encode("utf-16")),
        ("khach.csv", "tên".encode("cp1258", "replace") + b"\xff"),
        ("khach.csv", "ế".encode()[:2]),
        ("anh.png", b""),
        ("ghi-chu.txt", b""),
        # a name that ends at the NUL for the system and at .png for us
        ("chay.exe\0.png", PNG),
        ("anh\0.png", PNG),
    ],
)
def test_everything_else_is_refused_and_leaves_nothing(name: str | None, contents: bytes, inside: Path) -> None:
    with pytest.raises(FileRefusedError) as refused:
        receive(contents, name)
    assert str(refused.value).endswith(".")
    assert list(inside.iterdir()) == []


def test_a_file_that_is_too_large_is_refused_without_being_read_to_its_end(
    inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", 200_000)

    class Endless(io.RawIOBase):
        read_so_far = 0

        def read(self, size: int = -1) -> bytes:
            self.read_so_far += size
            return PDF.ljust(size, b" ")

    stream = Endless()
    with pytest.raises(FileRefusedError):
        files.receive(stream, "hoa-don.pdf")  # type: ignore[arg-type]
    assert stream.read_so_far < 400_000
    assert list(inside.iterdir()) == []


def test_a_file_of_just_the_largest_size_is_taken(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", 1000)
    assert receive(PDF.ljust(1000), "a.pdf").size == 1000
    with pytest.raises(FileRefusedError):
        receive(PDF.ljust(1001), "a.pdf")


def test_letters_cut_between_two_chunks_are_still_letters(inside: Path) -> None:
    contents = ("x" + "ế" * 50_000).encode()
    assert receive(contents, "dai.txt").size == len(contents)


# ── names ──


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("../../../etc/passwd.pdf", "passwd.pdf"),
        ("..\\..\\Windows\\hoa don.pdf", "hoa don.pdf"),
        ("/etc/cron.d/x.pdf", "x.pdf"),
        ("C:\\fakepath\\Hoá đơn.PDF", "Hoá đơn.PDF"),
        (unicodedata.normalize("NFD", "Hoá đơn tháng Mười.pdf"), "Hoá đơn tháng Mười.pdf"),
        ("  .. hoa-don .pdf ", "hoa-don.pdf"),
        ("a\r\nSet-Cookie: x=1.pdf", "a Set-Cookie: x=1.pdf"),
        ("hoa\u202edon\u200b.pdf", "hoadon.pdf"),
        ('a"; filename="b.exe.pdf', 'a"; filename="b.exe.pdf'),
        ("ab\ud800c.pdf", "abc.pdf"),
    ],
)
def test_names_keep_their_last_part_and_their_letters(typed: str, kept: str) -> None:
    assert files.clean_name(typed) == kept


def test_a_very_long_name_keeps_its_ending(inside: Path) -> None:
    typed = "Hợp đồng nguyên tắc số " * 20 + ".pdf"
    assert len(typed.encode()) > 300
    received = receive(PDF, typed)
    assert len(received.name) == 255
    assert received.name.endswith(".pdf")


def test_the_name_on_the_disk_is_ours_and_never_the_same(inside: Path) -> None:
    first, second = receive(PDF, "../../x.pdf"), receive(PDF, "../../x.pdf")
    assert first.path != second.path
    assert {file.name for file in inside.iterdir()} == {first.path, second.path}
    assert not any(part in first.path for part in ("x", ".", "/"))


def test_a_path_that_we_did_not_make_is_never_opened(inside: Path) -> None:
    with pytest.raises(ValueError, match="not a stored file"):
        files.location(ReceivedFile("a.pdf", 1, "application/pdf", "", "../tantam.db"))


# ── keeping, forgetting, cleaning ──


def test_a_refused_change_forgets_its_upload(inside: Path) -> None:
    received = receive(PDF, "a.pdf")
    files.forget(received)
    files.forget(received)
    assert list(inside.iterdir()) == []


def test_a_file_without_an_owner_that_is_known_is_not_kept(inside: Path) -> None:
    received = receive(PDF, "a.pdf")
    with transaction(SYSTEM) as session, pytest.raises(LookupError):
        files.keep(session, received, owner_type="nobody", owner_id=1)


def test_one_owner_type_has_one_rule(inside: Path) -> None:
    files.register_owner("letter", _may_see)
    with pytest.raises(RuntimeError):
        files.register_owner("letter", lambda *_arguments: True)


def test_orphans_go_after_a_day_and_nothing_else_does(inside: Path) -> None:
    orphan, young, owned = (receive(PDF, "a.pdf") for _number in range(3))
    with transaction(SYSTEM) as session:
        files.keep(session, owned, owner_type="letter", owner_id=1)
    foreign = inside / "ghi-chu-cua-quan-tri.txt"
    foreign.write_text("not ours")
    now = clock.now().timestamp()  # the file system tells the machine's day, which is another one
    os.utime(inside / young.path, (now, now))
    for old in (inside / orphan.path, inside / owned.path, foreign):
        os.utime(old, (now - 2 * 86_400, now - 2 * 86_400))
    assert files.remove_orphans() == 1
    assert {file.name for file in inside.iterdir()} == {young.path, owned.path, foreign.name}
    assert files.remove_orphans() == 0


# ── giving back ──


def test_the_file_comes_back_whole_as_a_download_that_cannot_run(
    client: Callable[..., FlaskClient], upload: Callable[..., int], lan: int
) -> None:
    name = "Hoá đơn tháng 11.pdf"
    file = upload(lan, PDF + b"rest", name)
    answer = client("lan").get(f"/tep/{file}/{quote(name)}", buffered=True)
    assert (answer.status_code, answer.data) == (200, PDF + b"rest")
    assert answer.content_type == "application/pdf"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert f"filename*=UTF-8''{quote(name)}" in disposition
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("contents", "name"), [(SCRIPT_IN_GIF, "a.gif"), (HTML, "a.txt"), (b"=cmd()|x", "a.csv")])
def test_what_hides_a_script_is_still_only_a_download(
    contents: bytes, name: str, client: Callable[..., FlaskClient], upload: Callable[..., int], lan: int
) -> None:
    answer = client("lan").get(f"/tep/{upload(lan, contents, name)}/{name}", buffered=True)
    assert answer.content_type.split(";")[0] in {"image/gif", "text/plain", "text/csv"}
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    looked_at = client("lan").get(f"{answer.request.path}?xem=1", buffered=True)
    is_picture = answer.content_type == "image/gif"  # drawn, and no script of it runs
    assert looked_at.headers["Content-Disposition"].startswith("inline;" if is_picture else "attachment;")
    assert "sandbox" in looked_at.headers["Content-Security-Policy"]
    assert looked_at.headers["X-Content-Type-Options"] == "nosniff"


def test_a_name_cannot_break_out_of_its_header(
    client: Callable[..., FlaskClient], upload: Callable[..., int], lan: int
) -> None:
    file = upload(lan, PDF, 'a"\r\nSet-Cookie: stolen=1; x=".pdf')
    answer = client("lan").get(f"/tep/{file}/x", buffered=True)
    assert answer.status_code == 200
    assert not any("stolen" in cookie for cookie in answer.headers.getlist("Set-Cookie"))


def test_whoever_may_not_see_the_record_gets_no_file(
    client: Callable[..., FlaskClient], upload: Callable[..., int], lan: int
) -> None:
    file = upload(lan)
    assert client("tuan").get(f"/tep/{file}/hoa-don.pdf").status_code == 404
    assert client().get(f"/tep/{file}/hoa-don.pdf").status_code == 302


@pytest.mark.parametrize("key", ["0", "-1", "abc", "99999999999999", "1e1", "..%2f..%2ftantam.db"])
def test_files_that_cannot_be_are_not_there(key: str, client: Callable[..., FlaskClient]) -> None:
    assert client("lan").get(f"/tep/{key}/x").status_code == 404


def test_a_file_whose_owner_type_has_no_rule_is_seen_by_nobody(
    app: Flask, upload: Callable[..., int], cast: Any
) -> None:
    file = upload(cast.lan.user_id)
    del files._owners["letter"]
    with app.app_context(), pytest.raises(NotFoundError):
        files.file_for(db.session(), file, cast.lan)


def test_who_uploaded_and_the_fingerprint_are_kept(inside: Path, cast: Any) -> None:
    received = receive(PDF, "a.pdf")
    lan = cast.lan
    with transaction(lan) as session:
        file = files.keep(session, received, owner_type="letter", owner_id=7)
        assert (file.created_by_id, file.sha256, file.size) == (lan.user_id, received.sha256, len(PDF))
    assert db.session.get(StoredFile, file.id).owner_id == 7  # type: ignore[union-attr]
