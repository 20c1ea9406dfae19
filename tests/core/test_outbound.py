"""Nothing that somebody wrote down makes us call a place inside, wait for ever or take in more than we can hold."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import time
import tracemalloc

import pytest

from app.core import outbound
from app.core.addresses import is_inside, is_never_called, url_problem
from app.core.outbound import CallError, Fault, Request, send
from tests.receiver import receiver_here

INSIDE = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.7", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.1.1",
    "168.63.129.16", "224.0.0.1", "255.255.255.255", "198.18.0.1", "::1", "::", "fc00::1", "fd00:ec2::254", "fe80::1",
    "ff02::1", "fec0::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:db8::1", "192.0.0.192", "192.0.0.8",
]  # fmt: skip
NEVER = ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "fd00:ec2::254",
         "168.63.129.16", "64:ff9b::a9fe:a9fe", "192.0.0.192", "::ffff:192.0.0.192"]  # fmt: skip


@pytest.mark.parametrize("text", INSIDE)
def test_an_address_inside_is_known_however_it_is_written(text):
    assert is_inside(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "203.162.4.191", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_the_world_is_outside(text):
    assert not is_inside(ipaddress.ip_address(text))
    assert not is_never_called(ipaddress.ip_address(text))


def test_some_places_are_called_for_nobody():
    assert all(is_never_called(ipaddress.ip_address(text)) for text in NEVER)
    assert not any(is_never_called(ipaddress.ip_address(text)) for text in ("127.0.0.1", "10.0.0.1", "::1", "fd12::1"))


@pytest.mark.parametrize(
    "url",
    [
        "", "kho", "http://kho.example.vn/", "ftp://kho.example.vn/", "file:///etc/passwd", "https://", "https:///x",
        "https://lan:bi-mat@kho.example.vn/", "https://kho.example.vn/#x", "https://kho.example.vn:0/",
        "https://kho.example.vn:22/", "https://kho.example.vn:99999/", "https://kho example.vn/", "https://khô.vn/",
        "https://127.0.0.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://localhost/", "https://localhost./",
        "https://kho.localhost/", "https://nas.local/", "https://metadata.google.internal/", "https://169.254.169.254/",
        "https://[fe80::1%25eth0]/", "https://kho.example.vn/\r\nX: y", "https://kho.example.vn/" + "a" * 2_000,
        "https://0/", "https://10.0.0.1:8443/", "https://127.0.0.1./", "https://[::]/", "https://[64:ff9b::7f00:1]/",
    ],
)  # fmt: skip
def test_what_may_not_be_called_freely_is_refused_with_a_sentence(url):
    assert url_problem(url, allowed_inside=False) is not None
    with pytest.raises(CallError) as refused:
        send(Request("GET", url))
    assert (refused.value.fault, refused.value.permanent) == (Fault.not_allowed, True)


def test_an_address_in_the_world_is_fine():
    for url in ("https://kho.example.vn", "https://kho.example.vn:8443/a/b?c=d", "https://203.162.4.191/x"):
        assert url_problem(url, allowed_inside=False) is None
    assert url_problem("http://10.0.0.7:8080/x", allowed_inside=True) is None


@pytest.mark.parametrize("inside", ["127.0.0.1", "169.254.169.254", "10.1.2.3", "::1"])
def test_a_name_that_leads_inside_is_not_called(monkeypatch, inside):
    """Also where only one of several addresses does, and also if the name leads elsewhere the next time it is asked."""
    asked = []

    def resolve(host, port, **_rest):
        asked.append(host)
        found = ["203.162.4.191", inside] if len(asked) == 1 else ["203.162.4.191"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(outbound.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(outbound.socket, "create_connection", lambda *_: pytest.fail("it was called"))
    with pytest.raises(CallError) as refused:
        send(Request("GET", "https://kho.example.vn/"))
    assert refused.value.fault is Fault.not_allowed
    assert asked == ["kho.example.vn"]


def test_the_address_that_was_looked_at_is_the_one_that_is_called(monkeypatch):
    looked, called = [], []

    def resolve(_host, port, **_rest):
        looked.append(1)
        address = "203.162.4.191" if len(looked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(address, **_rest):
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(outbound.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(outbound.socket, "create_connection", connect)
    with pytest.raises(CallError):
        send(Request("GET", "https://kho.example.vn/"))
    assert (len(looked), called) == (1, [("203.162.4.191", 443)])


def test_metadata_is_not_called_even_where_inside_is_allowed(monkeypatch):
    monkeypatch.setattr(outbound.socket, "create_connection", lambda *_: pytest.fail("it was called"))
    for url in ("http://169.254.169.254/latest", "http://[::ffff:169.254.169.254]/", "http://0.0.0.0/"):
        with pytest.raises(CallError):
            send(Request("GET", url, may_be_inside=True))


@pytest.fixture
def receiver():
    with receiver_here() as one:
        yield one


def fault(url: str, seconds: float = 5) -> CallError:
    with pytest.raises(CallError) as refused:
        send(Request("POST", url, body=b"{}", may_be_inside=True, seconds=seconds))
    return refused.value


def test_an_answer_comes_back_and_no_proxy_is_asked(receiver, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    receiver.says(201, {"ok": True})
    sent = Request("POST", f"{receiver.url}/a?b=c", {"X-Key": "bi-mat"}, b"{}", may_be_inside=True)
    assert send(sent) == b'{"ok": true}'
    heard = receiver.heard[0]
    assert (heard.method, heard.path, heard.headers["Host"]) == ("POST", "/a?b=c", f"127.0.0.1:{receiver.port}")
    assert heard.headers["X-Key"] == "bi-mat"
    assert "bi-mat" not in repr(sent)


@pytest.mark.parametrize(("status", "permanent"), [(400, True), (404, True), (408, False), (429, False), (500, False),
                                                   (503, False)])  # fmt: skip
def test_what_is_worth_another_try(receiver, status, permanent):
    receiver.says(status, {})
    error = fault(receiver.url)
    assert (error.fault, error.status, error.permanent) == (Fault.status, status, permanent)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nobody_is_sent_on(receiver, status):
    receiver.says(status, {}, Location=f"{receiver.url}/inside")
    assert fault(receiver.url).fault is Fault.redirect
    assert len(receiver.heard) == 1


@pytest.mark.parametrize("told", [True, False])
def test_ten_megabytes_are_not_taken_in(receiver, told):
    def pour(to, _heard):
        to.send_response(200)
        to.send_header("Content-Length", "10000000") if told else to.send_header("Connection", "close")
        to.end_headers()
        for _part in range(100):
            to.wfile.write(b"x" * 100_000)

    receiver.answer = pour
    tracemalloc.start()
    error = fault(receiver.url)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (error.fault, error.permanent) == (Fault.too_large, True)
    assert most < 4_000_000


def test_what_would_grow_when_unpacked_is_not_unpacked(receiver):
    receiver.says(200, gzip.compress(b"0" * 10_000_000), Content_Encoding="gzip")
    assert fault(receiver.url).fault is Fault.unreadable


@pytest.mark.parametrize("drips", ["nothing", "headers", "body"])
def test_whoever_hangs_or_drips_is_left_in_time(receiver, drips):
    def hang(to, _heard):
        if drips == "body":
            to.send_response(200)
            to.send_header("Content-Length", "1000")
            to.end_headers()
        while not receiver.over.wait(0.05):
            if drips != "nothing":
                to.wfile.write(b"x")
                to.wfile.flush()

    receiver.answer = hang
    began = time.monotonic()
    assert fault(receiver.url, seconds=0.4).fault is Fault.timeout
    assert time.monotonic() - began < 3


def test_whoever_breaks_off_or_is_not_there_may_be_asked_again(receiver):
    def break_off(to, _heard):
        to.send_response(200)
        to.send_header("Content-Length", "1000")
        to.end_headers()
        to.wfile.write(b"{")
        to.close_connection = True

    receiver.answer = break_off
    error = fault(receiver.url)
    assert (error.fault, error.permanent) == (Fault.unreachable, False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert fault(f"http://127.0.0.1:{free.getsockname()[1]}/").fault is Fault.unreachable


def test_plain_text_where_tls_is_wanted_is_no_answer(receiver):
    assert fault(receiver.url.replace("http:", "https:")).fault in (Fault.unreachable, Fault.untrusted)
