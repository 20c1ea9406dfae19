"""What the company sets for itself has a kind, a default and a limit."""

from __future__ import annotations

import pytest
from sqlalchemy.orm.exc import StaleDataError

from app.core import settings
from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.errors import InvalidInputError, NotAllowedError
from app.core.settings import KINDS, Setting


def test_a_setting_that_nobody_made_has_its_default(session):
    assert settings.get(session, "mail_from_name") == ""
    assert settings.get(session, "logo_file_id") is None


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("company_name", "  Công ty \u202ePhở Sen\u200b ", "Công ty Phở Sen"),
        ("logo_file_id", 7, 7),
        ("logo_file_id", None, None),
    ],
)
def test_a_setting_is_kept(session, cast, key, value, kept):
    for _again in range(2):
        with transaction(cast.hoa) as inside:
            settings.put(inside, key, value, by=cast.hoa)
    assert settings.get(session, key) == kept
    assert settings.all_values(session)[key] == kept


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("company_name", ""),
        ("company_name", "   "),
        ("company_name", "\u200b"),
        ("company_name", "a\0b"),
        ("company_name", "x" * 201),
        ("company_name", 7),
        ("company_name", None),
        ("logo_file_id", "7"),
        ("logo_file_id", True),
        ("logo_file_id", 1.5),
    ],
)
def test_what_is_not_of_the_kind_is_refused_beside_its_field(session, cast, key, value):
    before = settings.get(session, key)
    with pytest.raises(InvalidInputError) as refused, transaction(cast.hoa) as inside:
        settings.put(inside, key, value, by=cast.hoa)
    assert list(refused.value.fields) == [key]
    assert settings.get(session, key) == before


def test_an_unknown_setting_is_a_bug(session):
    with pytest.raises(KeyError):
        settings.get(session, "no_such")
    with pytest.raises(KeyError):
        settings.put(session, "no_such", "x", by=SYSTEM)


def test_only_who_may_edit_settings_sets_them(session, cast):
    for person in (cast.lan, cast.minh):
        with pytest.raises(NotAllowedError):
            settings.put(session, "company_name", "Của tôi", by=person)


def test_every_default_is_of_its_kind():
    for key, kind in KINDS.items():
        assert kind.default is None or isinstance(kind.default, kind.type), key


def test_all_values_knows_every_setting_and_no_other(session):
    with transaction() as inside:
        inside.add(Setting(key="of_a_former_release", value=1))
    assert list(settings.all_values(session)) == list(KINDS)


def test_two_who_set_the_same_at_once_do_not_overwrite_each_other(session, cast):
    with transaction(cast.hoa) as inside:
        settings.put(inside, "company_name", "Một", by=cast.hoa)
    with pytest.raises(StaleDataError), transaction(cast.hoa) as inside:  # noqa: PT012
        row = inside.query(Setting).filter_by(key="company_name").one()
        inside.connection().exec_driver_sql("UPDATE setting SET rev = rev + 1 WHERE key = 'company_name'")
        row.value = "Hai"
