"""What the company says of itself is checked, kept and used: its facts, the language of newcomers, the largest file."""

from __future__ import annotations

import io

import pytest
from bs4 import BeautifulSoup

from app.company import rules, services
from app.core import files, settings
from app.core.db import transaction
from app.core.errors import InvalidInputError
from app.security.members import add_member
from tests.company.pictures import png

FACTS = {"company_name": "Công ty Hạt Sen", "tax_code": "0312345673-001", "phone": "1900 1234",
         "email": "cskh@hatsen.vn", "website": "hatsen.vn/lien-he"}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "typed"),
    [
        ("tax_code", "12345"), ("tax_code", "03123456739"), ("phone", "gọi Lan"), ("email", "cskh@hatsen"),
        ("email", "a b@hatsen.vn"), ("website", "javascript:alert(1)"), ("website", "hạt sen"), ("website", "http://["),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_with_an_example_and_nothing_is_kept(session, cast, key, typed):
    with pytest.raises(InvalidInputError) as refused, transaction(cast.hoa) as inside:
        services.save_profile(inside, {**FACTS, key: typed}, by=cast.hoa)
    assert list(refused.value.fields) == [key]
    assert "Ví dụ" in str(refused.value.fields[key][0])
    assert settings.get(session, "company_name") == "Công ty Phở Sen"


def test_good_facts_are_kept(session, cast):
    assert rules.profile_problems(FACTS) == {}
    with transaction(cast.hoa) as inside:
        services.save_profile(inside, FACTS, by=cast.hoa)
    assert {key: settings.get(session, key) for key in FACTS} == FACTS


def test_a_new_colleague_begins_with_the_language_of_the_company(session, cast):
    with transaction(cast.hoa) as inside:
        settings.put(inside, "language", "en", by=cast.hoa)
        values = {"family_name": "Võ", "given_name": "An", "email": "an@phosen.example"}
        assert add_member(inside, by=cast.hoa, **values).language == "en"


def test_no_file_is_larger_than_the_company_takes(session, cast):
    with transaction(cast.hoa) as inside:
        settings.put(inside, "largest_file_mb", 1, by=cast.hoa)
    with pytest.raises(files.FileRefusedError, match="1 MB"):
        files.receive(io.BytesIO(png(64, 64) + b"\0" * files.MEGABYTE), "hinh.png")
    files.forget(files.receive(io.BytesIO(png(64, 64)), "hinh.png"))


@pytest.mark.parametrize("typed", ["0", "21", "-1", "hai", "1.5"])
def test_the_limit_stays_within_what_the_installation_takes(client, typed):
    answer = client("hoa").post("/cai-dat/chung", data={"language": "vi", "largest_file_mb": typed})
    assert answer.status_code == 422
    page = BeautifulSoup(answer.text, "lxml")
    assert "1 đến 20" in page.find(id="largest_file_mb-error").text
    assert page.find(id="largest_file_mb")["value"] == typed
