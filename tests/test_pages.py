"""Every page answers for everyone who may open it, in the Vietnamese dress, without an inline script or style."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup


def pages(begun):
    return [
        "/", "/cong-viec/", "/cong-viec/?queue=1", f"/cong-viec/{begun['task']}", "/ho-so/",
        "/ho-so/?trang_thai=completed",
        f"/ho-so/{begun['instance']}", "/ho-so/bat-dau", "/ho-so/bat-dau/giao-hang-cham", "/khach-hang/list/",
        f"/khach-hang/show/{begun['customer']}", "/khach-hang/add", f"/khach-hang/edit/{begun['customer']}",
        "/tim/?q=duyen", "/tim/?q=zzz", "/thong-bao/",
    ]  # fmt: skip


@pytest.mark.parametrize("username", ["lan", "minh", "hoa"])
def test_every_page_answers(client, begun, username):
    browser = client(username)
    admin = (
        [
            "/thu-di/",
            "/cai-dat/",
            "/quy-trinh/list/",
            "/bieu-mau/list/",
            "/nhan-su/list/",
            "/bo-phan/list/",
            "/nhan-su/show/1",
        ]
        if username == "hoa"
        else []
    )
    for address in [*pages(begun), *admin]:
        answer = browser.get(address, follow_redirects=True)
        assert answer.status_code == 200, (address, answer.text[:2000])
        soup = BeautifulSoup(answer.text, "lxml")
        assert soup.html["lang"] == "vi", address
        assert not soup.find_all(lambda tag: tag.has_attr("style")), address
        assert not [tag for tag in soup.find_all("script") if not tag.get("src")], address
        assert not re.search(r"\son[a-z]+=", answer.text), address
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"


def test_nobody_signed_in_is_asked_to_sign_in(client, begun):
    browser = client()
    for address in pages(begun):
        answer = browser.get(address)
        assert answer.status_code == 302, address
        assert answer.headers["Location"].startswith("/login/"), address


NOT_THERE = [
    "/cong-viec/4294967296", "/cong-viec/abc", "/ho-so/99999999999", "/khach-hang/show/0", "/ho-so/bat-dau/khong-co",
    "/thu-di/7", "/khong-co",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_THERE)
def test_what_is_not_there_is_a_page_that_says_so(client, address):
    answer = client("hoa").get(address)
    assert answer.status_code == 404
    assert BeautifulSoup(answer.text, "lxml").find("h1") is not None


@pytest.mark.both_databases
def test_a_nul_is_refused_wherever_it_is_sent(client, app, begun):
    task = f"/cong-viec/{begun['task']}"
    lan, nobody = client("lan"), client()
    answers = [
        nobody.post("/login/", data={"username": "lan\0", "password": "x"}),
        nobody.get("/login/?next=/%00"),
        nobody.get("/thiet-lap/%00"),
        lan.get("/ho-so/bat-dau/%00"),
        lan.get("/cong-viec/%00"),
        lan.get("/tim/?q=a%00b"),
        lan.get("/ho-so/?trang_thai=%00"),
        lan.post("/ho-so/bat-dau/giao-hang-cham", data={"key": "a\0b"}),
        lan.post(f"{task}/nhap", data={"note": "a\0b"}),
        lan.post(f"{task}/nhap", data={"order_code\0": "x"}),
        lan.post(f"/trao-doi/task/{begun['task']}", data={"text": "a\0b"}),
    ]
    assert [answer.status_code for answer in answers] == [400] * len(answers)
    assert all(BeautifulSoup(answer.text, "lxml").find("h1") for answer in answers)
