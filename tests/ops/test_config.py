"""Settings: defaults that are safe, values that are understood, refusals that say what to do."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from flask_appbuilder.const import AUTH_DB

from config import ROOT, Config, ConfigError, TestConfig, sqlite_file

LONG = "k" * 32


def settings(tmp_path: Path, **environ: str) -> Config:
    return Config({"TANTAM_DATA": str(tmp_path / "data"), **environ})


def test_defaults_serve_this_machine_alone_and_keep_everything_in_the_data_folder(tmp_path):
    config = settings(tmp_path)
    assert (config.HOST, config.PORT, config.BASE_URL) == ("127.0.0.1", 8080, "http://127.0.0.1:8080")
    assert f"sqlite:///{tmp_path}/data/tantam.db" == config.SQLALCHEMY_DATABASE_URI
    assert f"{tmp_path}/data/uploads" == config.UPLOAD_FOLDER
    assert config.DEMO is True
    assert config.SQLITE_SYNCHRONOUS == "FULL"
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_without_tantam_data_the_folder_is_instance_in_the_checkout(monkeypatch):
    monkeypatch.setattr("config._make_private_folder", lambda folder: None)
    assert Config({"TANTAM_SECRET_KEY": LONG}).DATA_FOLDER == ROOT / "instance"


def test_the_demo_makes_a_key_once_for_the_owner_alone(tmp_path):
    first = settings(tmp_path).SECRET_KEY
    assert len(first) >= 32
    assert first == settings(tmp_path).SECRET_KEY
    assert stat.S_IMODE((tmp_path / "data" / "secret-key").stat().st_mode) == 0o600
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["secret-key"]


def test_the_first_set_up_makes_a_key_too(tmp_path):
    assert settings(tmp_path, TANTAM_DEMO="0").SECRET_KEY == settings(tmp_path, TANTAM_DEMO="0").SECRET_KEY


def test_a_database_whose_key_is_lost_is_not_opened_with_a_new_one(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tantam.db").touch()
    with pytest.raises(ConfigError, match="TANTAM_SECRET_KEY is not set"):
        settings(tmp_path, TANTAM_DEMO="0")


def test_postgresql_outside_the_demo_wants_its_key_told(tmp_path):
    with pytest.raises(ConfigError, match="TANTAM_SECRET_KEY is not set"):
        settings(tmp_path, TANTAM_DEMO="0", TANTAM_DATABASE_URL="postgresql://tantam@db/tantam")


def test_a_key_that_others_can_read_is_refused(tmp_path):
    _ = settings(tmp_path)
    (tmp_path / "data" / "secret-key").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        settings(tmp_path)


def test_a_short_key_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="fewer than 32"):
        settings(tmp_path, TANTAM_SECRET_KEY="k" * 31)


def test_a_told_key_is_used_and_none_is_kept(tmp_path):
    assert settings(tmp_path, TANTAM_SECRET_KEY=LONG).SECRET_KEY == LONG
    assert not (tmp_path / "data" / "secret-key").exists()


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql://u:p@db/tantam", "postgresql+psycopg://u:p@db/tantam"),
        ("postgres://db/tantam", "postgresql+psycopg://db/tantam"),
        ("postgresql+psycopg://db/tantam", "postgresql+psycopg://db/tantam"),
        ("postgresql://postgres@/t?host=/tmp/x", "postgresql+psycopg://postgres@/t?host=/tmp/x"),
        ("sqlite:////tmp/other.db", "sqlite:////tmp/other.db"),
    ],
)
def test_database_addresses_get_their_driver(tmp_path, given, used):
    config = settings(tmp_path, TANTAM_DATABASE_URL=given, TANTAM_SECRET_KEY=LONG)
    assert used == config.SQLALCHEMY_DATABASE_URI


@pytest.mark.parametrize("url", ["mysql://u:geheim@db/x", "sqlite://", "sqlite:///", "tantam.db", "postgresql://"])
def test_other_databases_are_refused_without_repeating_a_password(tmp_path, url):
    with pytest.raises(ConfigError, match="TANTAM_DATABASE_URL") as refusal:
        settings(tmp_path, TANTAM_DATABASE_URL=url)
    assert "geheim" not in str(refusal.value)


def test_people_sign_in_with_the_passwords_of_our_own_database():
    assert Config.AUTH_TYPE == AUTH_DB


def test_only_sqlite_has_a_file():
    assert sqlite_file("sqlite:////srv/tantam.db") == Path("/srv/tantam.db")
    assert sqlite_file("postgresql+psycopg://db/x") is None


def test_https_hardens_the_cookies(tmp_path):
    config = settings(tmp_path, TANTAM_HTTPS="1")
    assert config.SESSION_COOKIE_SECURE
    assert config.REMEMBER_COOKIE_SECURE
    assert config.SESSION_COOKIE_NAME == "__Host-tantam"
    plain = settings(tmp_path)
    assert not plain.SESSION_COOKIE_SECURE  # a browser would drop it on http://
    assert plain.SESSION_COOKIE_NAME == "tantam"
    assert plain.SESSION_COOKIE_HTTPONLY
    assert plain.SESSION_COOKIE_SAMESITE == "Lax"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PORT", "٨٠"),
        ("TANTAM_DEMO", "maybe"),
        ("TANTAM_HTTPS", "2"),
        ("TANTAM_LOG", "LOUD"),
        ("TANTAM_SQLITE_SYNCHRONOUS", "OFF"),
        ("TANTAM_BASE_URL", "cskh.example.vn"),
        ("TANTAM_BASE_URL", "javascript:alert(1)"),
        ("TANTAM_SMTP_URL", "mail.example.vn:25"),
        ("TANTAM_SMTP_URL", "smtp://mail.example.vn:port"),
        ("TANTAM_MAIL_FROM", "nobody"),
        ("TANTAM_MAIL_FROM", "a@b.vn\nBcc: c@d.vn"),
        ("TANTAM_WEB_PROCESSES", "0"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(tmp_path, name, value):
    with pytest.raises(ConfigError, match=name):
        settings(tmp_path, **{name: value})


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "data").touch()
    with pytest.raises(ConfigError, match="TANTAM_DATA"):
        settings(tmp_path)


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({"HOST": "0.0.0.0", "PORT": "80"}, "http://localhost:80"),
        ({"HOST": "::1"}, "http://[::1]:8080"),
        ({"TANTAM_BASE_URL": "https://cskh.example.vn/"}, "https://cskh.example.vn"),
    ],
)
def test_links_in_mails_lead_to_where_people_type(tmp_path, environ, address):
    assert address == settings(tmp_path, **environ).BASE_URL


def test_mail_comes_from_the_products_own_host_when_that_can_send_mail(tmp_path):
    assert settings(tmp_path).MAIL_FROM.endswith("<tantam@localhost.localdomain>")
    assert settings(tmp_path, TANTAM_BASE_URL="https://cskh.sen.vn").MAIL_FROM == "Tận Tâm <tantam@cskh.sen.vn>"
    assert settings(tmp_path, TANTAM_MAIL_FROM="Sen <a@sen.vn>").MAIL_FROM == "Sen <a@sen.vn>"


def test_a_test_has_its_own_folder_and_may_change_a_setting(tmp_path):
    config = TestConfig(tmp_path, WTF_CSRF_ENABLED=True)
    assert tmp_path / "tantam.db" == sqlite_file(config.SQLALCHEMY_DATABASE_URI)
    assert config.WTF_CSRF_ENABLED
    assert config.TESTING


def test_every_setting_is_explained_in_the_operations_guide():
    named = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "config.py").read_text(encoding="utf-8")))
    explained = set(re.findall(r"`([A-Z_]+)`", (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")))
    assert "TANTAM_SMTP_URL" in named
    assert named <= explained
