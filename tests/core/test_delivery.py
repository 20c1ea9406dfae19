"""How answers travel: compressed, with their headers, and built files kept for a year."""

from __future__ import annotations

import gzip
import json

import brotli
import pytest
from flask import Response

from app import create_app
from app.core.delivery import content_security_policy
from config import ROOT, Config

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
MANIFEST = json.loads((ROOT / "app/static/dist/manifest.json").read_text("utf-8"))


def built(name: str) -> str:
    return f"/static/dist/{MANIFEST[name]}"


@pytest.mark.parametrize(("encoding", "unpack"), [("br", brotli.decompress), ("gzip", gzip.decompress)])
def test_a_page_travels_compressed(client, encoding, unpack):
    lan = client("lan")
    plain = lan.get("/cong-viec/", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    answer = lan.get("/cong-viec/", headers={"Accept-Encoding": encoding})
    assert answer.headers["Content-Encoding"] == encoding
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert len(answer.data) < len(plain.data) / 2
    assert unpack(answer.data).decode().startswith("<!doctype html>")


def test_a_program_gets_its_list_compressed_too(app, token):
    answer = app.test_client().get("/api/v1/_openapi", headers={**token("lan"), "Accept-Encoding": "gzip, br"})
    assert answer.headers["Content-Encoding"] == "br"
    assert json.loads(brotli.decompress(answer.data))["openapi"]


@pytest.mark.parametrize("name", ["app.css", "app.js", "icons.svg"])
@pytest.mark.parametrize(("encoding", "unpack"), [("br", brotli.decompress), ("gzip", gzip.decompress)])
def test_a_built_file_comes_compressed_and_is_kept_for_good(app, name, encoding, unpack):
    with app.test_client().get(built(name), headers={"Accept-Encoding": encoding}) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Encoding"] == encoding
        assert unpack(answer.data) == (ROOT / "app/static/dist" / MANIFEST[name]).read_bytes()
    assert "immutable" in answer.headers["Cache-Control"]
    assert "max-age=315360000" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_a_browser_without_compression_gets_the_plain_file(app):
    with app.test_client().get(built("app.css")) as answer:
        assert "Content-Encoding" not in answer.headers
        assert answer.data == (ROOT / "app/static/dist" / MANIFEST["app.css"]).read_bytes()


@pytest.mark.parametrize(
    "path", ["/", "/cong-viec/", "/khach-hang/list/", "/khach-hang/show/999999", "/khong-co", "/api/v1/tasks/"]
)
@pytest.mark.parametrize("who", ["lan", None])
def test_every_answer_carries_its_headers_and_is_not_kept(client, path, who):
    answer = client(who).get(path)
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in answer.headers


def test_a_page_may_be_framed_by_the_sites_it_names_alone():
    assert content_security_policy() == POLICY
    named = content_security_policy(["https://phosen.example", "https://shop.phosen.example"])
    assert "frame-ancestors https://phosen.example https://shop.phosen.example; base-uri 'none'" in named


def test_what_a_view_says_of_itself_stands(app):
    """A policy of its own (an uploaded file, a page that a site may frame) is not overwritten."""
    with app.test_request_context("/"):
        own = Response(headers={"Content-Security-Policy": content_security_policy(["https://phosen.example"])})
        sent = app.process_response(own)
    assert "frame-ancestors https://phosen.example;" in sent.headers["Content-Security-Policy"]


@pytest.mark.parametrize("https", [True, False])
def test_the_cookie_is_tied_to_the_site(tmp_path, https):
    app = create_app(Config({"TANTAM_DATA": str(tmp_path), "TANTAM_HTTPS": "1" if https else ""}))
    with app.test_request_context("/", base_url="https://localhost" if https else "http://localhost"):
        from flask import session

        session["token"] = "t"
        sent = app.process_response(Response("ok"))
    cookie = sent.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert ("Secure" in cookie) is https
    assert cookie.startswith("__Host-tantam=" if https else "tantam=")
    assert ("Strict-Transport-Security" in sent.headers) is https
