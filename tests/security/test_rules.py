"""Which passwords, tokens and names will do?"""

from __future__ import annotations

import pytest

from app.security.rules import account_key, new_token, password_problem, token_hash


@pytest.mark.parametrize(
    "password", ["một mật khẩu dài", "Sen-2026-thom", "x7Kq9!mZ", "    khoảng trắng    ", "yyyyabcd"]
)
def test_a_password_that_will_do(app, password):
    with app.test_request_context():
        assert password_problem(password, username="lan") is None


@pytest.mark.parametrize(
    "password",
    ["", "ngắn", "1234567", "12345678", "password1", "Mật Khẩu 123", "TANTAM2026", "aaaaaaaa", "abababab", "x" * 129],
)
def test_a_password_that_will_not_do(password):
    assert password_problem(password, username="lan") is not None


def test_ones_own_name_is_no_password():
    assert password_problem("nguyenlan", username="NguyenLan") is not None
    assert password_problem("nguyenlan", username="binh") is None


def test_tokens_are_long_and_never_the_same():
    tokens = {new_token() for _number in range(1000)}
    assert len(tokens) == 1000
    assert min(map(len, tokens)) >= 43
    assert len({token_hash(token) for token in tokens}) == 1000


@pytest.mark.parametrize("typed", ["lan", "LAN", "  lan  "])
def test_tries_for_one_account_are_counted_under_one_name(typed):
    assert account_key(typed) == "lan"


def test_the_name_that_is_counted_fits_its_column():
    assert len(account_key("x" * 10_000)) == 200
