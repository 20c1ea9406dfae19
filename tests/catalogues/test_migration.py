"""What customers had as free text becomes channels, once and for equal spellings together; and goes back to words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from app.core.db import db

TYPED = (
    "Facebook",
    "FACEBOOK",
    "giới thiệu",
    "Gioi thieu",
    "Báo Tuổi Trẻ",
    "Báo tuổi trẻ",
    "Báo Tuổi Trẻ",
    "***",
    None,
)
CUSTOMER = text(
    "INSERT INTO customer (code, kind, name, sort_key, search_text, source, rev, created_at, updated_at) "
    "VALUES (:code, 'person', 'A', 'a', 'a', :source, 1, '2026-01-01', '2026-01-01')"
)


@pytest.fixture
def bare(database: str, emptied: Callable[[str], Flask]) -> Flask:
    """The application on a database without tables."""
    return emptied(database)


@contextmanager
def migrated(bare: Flask, typed: Sequence[str | None]) -> Iterator[dict[str, str]]:
    """A company whose customers had these texts; gives code → label of the channels that came of them."""
    with bare.app_context():
        upgrade(revision="0002")
        with db.engine.begin() as connection:
            for number, source in enumerate(typed):
                connection.execute(CUSTOMER, {"code": f"KH{number:06d}", "source": source})
        upgrade(revision="0003")
        with db.engine.connect() as connection:
            rows = connection.execute(text("SELECT code, label_vi FROM catalogue_entry ORDER BY position")).all()
        yield {row.code: row.label_vi for row in rows}
        db.session.remove()
        db.engine.dispose()


def sources() -> list[str | None]:
    with db.engine.connect() as connection:
        return list(connection.scalars(text("SELECT source FROM customer ORDER BY code")))


@pytest.mark.both_databases
def test_free_texts_become_codes_and_codes_words_again(bare: Flask) -> None:
    with migrated(bare, TYPED) as entries:
        codes = sources()
        downgrade(revision="0002")
        words = sources()
    assert codes == ["facebook", "facebook", "referral", "referral", *["bao-tuoi-tre"] * 3, "kenh", None]
    assert (entries["bao-tuoi-tre"], entries["kenh"], entries["referral"]) == ("Báo Tuổi Trẻ", "***", "Giới thiệu")
    assert words == ["Facebook", "Facebook", "Giới thiệu", "Giới thiệu", *["Báo Tuổi Trẻ"] * 3, "***", None]


@pytest.mark.both_databases
def test_a_text_that_looks_like_the_code_of_another_is_the_same_channel(bare: Flask) -> None:
    with migrated(bare, ("Bạn bè", "Bạn bè", "ban-be", "TikTok-Shop", "***", "kenh", "kenh-2", "中文")) as entries:
        codes = sources()
    assert codes == ["ban-be", "ban-be", "ban-be", "tiktok-shop", *codes[4:]]
    assert [entries[code or ""] for code in codes[4:]] == ["***", "kenh", "kenh-2", "中文"]
    assert (entries["ban-be"], len(entries)) == ("Bạn bè", 15)


@pytest.mark.both_databases
def test_a_text_of_blanks_is_no_channel(bare: Flask) -> None:
    with migrated(bare, ("", "  ", "\u00a0\t", "\u200b", " Zalo ")) as entries:
        assert sources() == [None, None, None, None, "zalo"]
    assert "" not in entries.values()


@pytest.mark.both_databases
def test_a_code_without_an_entry_stays_when_words_come_back(bare: Flask) -> None:
    with migrated(bare, ("Zalo", "Hội chợ")):
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE customer SET source = 'gone' WHERE source = 'fair'"))
        downgrade(revision="0002")
        assert sources() == ["Zalo", "gone"]


@pytest.mark.both_databases
def test_a_company_without_customers_gets_its_channels_from_init(bare: Flask) -> None:
    with bare.app_context():
        upgrade(revision="0003")
        with db.engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM catalogue")) == 0
        db.session.remove()
        db.engine.dispose()
