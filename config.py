"""Which settings does an installation have? Every one of them, read from the environment and explained one by one."""

from __future__ import annotations

import os
import re
import secrets
import stat
import tomllib
from collections.abc import Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_MEGABYTE = 1024 * 1024
#: What 32 random bytes are worth; anything shorter can be guessed offline from one session cookie.
_SHORTEST_SECRET = 32


class ConfigError(Exception):
    """A setting is missing or wrong. The text is one sentence that says what to do about it."""


class Config:
    """The settings of this installation. Make an instance: `Config()` reads the environment and raises ConfigError.

    Class attributes are the same in every installation; instance attributes come from the environment.
    """

    # The product
    APP_NAME = "Tận Tâm"
    VERSION = VERSION
    ASSETS_MANIFEST = ROOT / "app" / "static" / "dist" / "manifest.json"
    MIGRATIONS_FOLDER = ROOT / "app" / "migrations"

    # Flask-AppBuilder. Tables come from Alembic and permissions from `flask init`, so a start writes nothing;
    # the screens and endpoints that we neither restyle nor guard stay away.
    AUTH_TYPE = 1  # AUTH_DB; its module is not imported, for it would bring all of FAB into the supervisor
    FAB_CREATE_DB = False
    FAB_UPDATE_PERMS = False
    FAB_ADD_SECURITY_PERMISSION_VIEW = False
    FAB_ADD_SECURITY_VIEW_MENU_VIEW = False
    FAB_ADD_SECURITY_PERMISSION_VIEWS_VIEW = False
    FAB_ADD_SECURITY_API = False
    FAB_API_SWAGGER_UI = False
    FAB_API_MAX_PAGE_SIZE = 100
    FAB_PASSWORD_HASH_METHOD = "scrypt"  # noqa: S105 - a method, not a password
    FAB_BASE_TEMPLATE = "appbuilder/baselayout.html"

    # Languages and time
    BABEL_DEFAULT_LOCALE = "vi"
    BABEL_DEFAULT_TIMEZONE = "Asia/Ho_Chi_Minh"
    BABEL_TRANSLATION_DIRECTORIES = str(ROOT / "babel")  # absolute: the folder lies beside app/, not inside
    LANGUAGES: Mapping[str, Mapping[str, str]] = {
        "vi": {"flag": "vn", "name": "Tiếng Việt"},
        "en": {"flag": "gb", "name": "English"},
    }

    # Browser
    SESSION_COOKIE_HTTPONLY = True
    SESSION_COOKIE_SAMESITE = "Lax"
    REMEMBER_COOKIE_HTTPONLY = True
    REMEMBER_COOKIE_SAMESITE = "Lax"
    WTF_CSRF_TIME_LIMIT = 8 * 3600  # a form left open over a working day can still be sent
    MAX_CONTENT_LENGTH = 25 * _MEGABYTE
    MAX_FORM_MEMORY_SIZE = 4 * _MEGABYTE  # one text of a form; files do not count
    SEND_FILE_MAX_AGE_DEFAULT = None

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        env = _Environment(os.environ if environ is None else environ)

        # TANTAM_DATA: the folder for the database, the uploaded files and the keys. Default: instance/ in the checkout.
        self.DATA_FOLDER = Path(env.text("TANTAM_DATA") or ROOT / "instance").expanduser().absolute()
        _make_private_folder(self.DATA_FOLDER)
        self.UPLOAD_FOLDER = str(self.DATA_FOLDER / "uploads")

        # TANTAM_DATABASE_URL: sqlite:///… or postgresql://user:password@host/name.
        # Default: a SQLite file in TANTAM_DATA.
        self.SQLALCHEMY_DATABASE_URI = _database_url(env.text("TANTAM_DATABASE_URL"), self.DATA_FOLDER)
        self.SQLALCHEMY_ENGINE_OPTIONS = _engine_options(self.SQLALCHEMY_DATABASE_URI)

        # TANTAM_SQLITE_SYNCHRONOUS: FULL (default) keeps what was acknowledged through a power cut; NORMAL is about
        # three times faster and may lose the last moments at a power cut, though never at a crash of the program.
        self.SQLITE_SYNCHRONOUS = env.one_of("TANTAM_SQLITE_SYNCHRONOUS", ("FULL", "NORMAL"))

        # TANTAM_DEMO: 1 (default) loads the demo company on the first start; 0 starts empty with a set-up link.
        self.DEMO = env.flag("TANTAM_DEMO", default=True)

        # TANTAM_DEMO_PASSWORD: the password of the demo accounts. Default: one is made and kept in DEMO_PASSWORD_FILE.
        self.DEMO_PASSWORD = env.text("TANTAM_DEMO_PASSWORD") or None
        self.DEMO_PASSWORD_FILE = self.DATA_FOLDER / "demo-password"

        # TANTAM_SECRET_KEY: signs sessions and tokens; at least 32 characters. Only the demo and the first set-up on a
        # SQLite file may do without: a key is then made and kept in TANTAM_DATA, readable by the owner alone.
        self.SECRET_KEY = _secret_key(env.text("TANTAM_SECRET_KEY"), self.DATA_FOLDER, may_make=self._may_make_a_key())

        # HOST, PORT: where the web server listens. Default: 127.0.0.1:8080, this machine alone.
        self.HOST = env.text("HOST") or "127.0.0.1"
        self.PORT = env.number("PORT", default=8080, least=1, most=65535)

        # TANTAM_WEB_PROCESSES, TANTAM_WEB_THREADS: how many requests are served at once.
        # Default: 2 processes of 8 threads.
        self.WEB_PROCESSES = env.number("TANTAM_WEB_PROCESSES", default=2, least=1, most=64)
        self.WEB_THREADS = env.number("TANTAM_WEB_THREADS", default=8, least=1, most=64)

        # TANTAM_HTTPS: 1 when a proxy in front ends TLS. Cookies then travel over HTTPS alone, and the proxy's
        # X-Forwarded-For and X-Forwarded-Proto are believed, so nothing but the proxy may reach HOST:PORT.
        self.HTTPS = env.flag("TANTAM_HTTPS", default=False)
        self.SESSION_COOKIE_SECURE = self.REMEMBER_COOKIE_SECURE = self.HTTPS
        prefix = "__Host-" if self.HTTPS else ""  # the browser then ties the cookie to this very host
        self.SESSION_COOKIE_NAME = f"{prefix}tantam"
        self.REMEMBER_COOKIE_NAME = f"{prefix}tantam_remember"
        self.PREFERRED_URL_SCHEME = "https" if self.HTTPS else "http"

        # TANTAM_BASE_URL: the address that people type, for the links in mails. Default: http://HOST:PORT.
        self.BASE_URL = _base_url(env.text("TANTAM_BASE_URL") or _origin(self.HOST, self.PORT))

        # TANTAM_SMTP_URL: smtp://[user:password@]host[:port] (STARTTLS when offered) or smtps://….
        # Goes before what is set in the browser. Default: empty; without either, mails are kept and can be read in the
        # built-in mail viewer.
        self.SMTP_URL = _smtp_url(env.text("TANTAM_SMTP_URL"))

        # TANTAM_MAIL_FROM: the sender of mails until an admin sets another one: an address, or Name <address>.
        # Default: tantam@<host of BASE_URL>.
        self.MAIL_FROM = _sender(env.text("TANTAM_MAIL_FROM") or f"Tận Tâm <tantam@{_mail_domain(self.BASE_URL)}>")

        # TANTAM_METRICS_TOKEN: whoever sends it as a bearer token may read GET /metrics (Prometheus): numbers about the
        # engine, no names. Empty: there are no metrics.
        self.METRICS_TOKEN = env.text("TANTAM_METRICS_TOKEN")

        # TANTAM_LOG: how much is logged to stderr: DEBUG, INFO (default), WARNING or ERROR.
        self.LOG_LEVEL = env.one_of("TANTAM_LOG", ("INFO", *(level for level in _LOG_LEVELS if level != "INFO")))

    def _may_make_a_key(self) -> bool:
        """Several hosts on one PostgreSQL need one key, and an existing database has seen another one, now lost."""
        if self.DEMO:
            return True
        database = sqlite_file(self.SQLALCHEMY_DATABASE_URI)
        return database is not None and not database.exists()


class TestConfig(Config):
    """Settings of one test: its own folder and database, cheap password hashes, no CSRF unless the test wants it."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    TESTING = True
    WTF_CSRF_ENABLED = False
    FAB_PASSWORD_HASH_METHOD = "pbkdf2:sha256:1"  # noqa: S105 - a method, not a password

    def __init__(self, folder: Path, *, database_url: str = "", **settings: Any) -> None:
        super().__init__(
            {
                "TANTAM_DATA": str(folder),
                "TANTAM_DATABASE_URL": database_url,
                "TANTAM_SECRET_KEY": "a secret for tests alone, long enough",
                "TANTAM_BASE_URL": "http://localhost",
                "TANTAM_DEMO_PASSWORD": "Sen-2026-thom",
            }
        )
        self.SQLITE_SYNCHRONOUS = "OFF"  # no test ends by a power cut
        # One process asks what a whole company asks in a year: none of it is put into words a second time.
        self.SQLALCHEMY_ENGINE_OPTIONS |= {"query_cache_size": 5_000}
        for name, value in settings.items():
            setattr(self, name, value)


class _Environment:
    """Reads single settings and refuses what is not one, naming the variable."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str:
        return self._environ.get(name, "").strip()

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if not value:
            return default
        if value not in _YES | _NO:
            raise ConfigError(f"{name} is either 1 or 0, not {value!r}.")
        return value in _YES

    def number(self, name: str, *, default: int, least: int, most: int) -> int:
        value = self.text(name)
        if not value:
            return default
        if not (value.isascii() and value.isdigit()) or not least <= int(value) <= most:
            raise ConfigError(f"{name} is a number from {least} to {most}, not {value!r}.")
        return int(value)

    def one_of(self, name: str, choices: tuple[str, ...]) -> str:
        """The first choice is the default."""
        value = self.text(name).upper() or choices[0]
        if value not in choices:
            raise ConfigError(f"{name} is one of {', '.join(choices)}, not {value!r}.")
        return value


def sqlite_file(database_url: str) -> Path | None:
    """The file of a sqlite:/// address; None for PostgreSQL."""
    return Path(database_url.removeprefix("sqlite:///")) if database_url.startswith("sqlite:///") else None


def _make_private_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"TANTAM_DATA: the folder {folder} cannot be made: {error.strerror}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"TANTAM_DATA: the folder {folder} cannot be written by this user.")


def _database_url(url: str, data: Path) -> str:
    if not url:
        return f"sqlite:///{data / 'tantam.db'}"
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and rest.strip("/"):
        file = Path(rest[1:]).expanduser().absolute()
        if not file.parent.is_dir():
            raise ConfigError(f"TANTAM_DATABASE_URL: the folder {file.parent} is not there.")
        return f"sqlite:///{file}"
    if scheme in {"postgresql", "postgres", "postgresql+psycopg"} and rest:
        return f"postgresql+psycopg://{rest}"
    # The address may hold a password, so it is not repeated.
    raise ConfigError("TANTAM_DATABASE_URL starts with sqlite:/// and a file, or with postgresql://.")


def _engine_options(url: str) -> dict[str, Any]:
    if sqlite_file(url) is not None:
        return {"pool_size": 10}
    return {"pool_size": 10, "connect_args": {"connect_timeout": 5}}


def _secret_key(given: str, data: Path, *, may_make: bool) -> str:
    if given:
        if len(given) < _SHORTEST_SECRET:
            raise ConfigError(
                f"TANTAM_SECRET_KEY has fewer than {_SHORTEST_SECRET} characters; make one: {_HOW_TO_MAKE}"
            )
        return given
    file = data / "secret-key"
    if not file.exists():
        if not may_make:
            raise ConfigError(
                f"TANTAM_SECRET_KEY is not set and {file} is not there. Set it to the key used so far; if it is lost, "
                f"everybody signs in again with a new one: {_HOW_TO_MAKE}"
            )
        write_once(file, secrets.token_urlsafe(48))
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise ConfigError(f"Others can read the secret key: run chmod 600 {file}")
    return file.read_text(encoding="utf-8").strip()


_HOW_TO_MAKE = "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"


def write_once(file: Path, text: str) -> None:
    """Write a secret that only the owner can read. When another process was faster, its text stays."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(draft, file)  # appears whole or not at all, and never over another one
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _origin(host: str, port: int) -> str:
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - every address of this machine; people type one of them
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(f"TANTAM_BASE_URL is an address like https://cskh.example.vn, not {url!r}.")
    return url.rstrip("/")


def _smtp_url(url: str) -> str:
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        # The address may hold a password, so it is not repeated.
        raise ConfigError("TANTAM_SMTP_URL is an address like smtp://user:password@mail.example.vn:587, or smtps://….")
    return url


def _mail_domain(base_url: str) -> str:
    """The host of the product's address when mail can come from there: neither an IP address nor a bare name."""
    host = urlsplit(base_url).hostname or ""
    return host if "." in host and not host.rpartition(".")[2].isdigit() else "localhost.localdomain"


def _sender(text: str) -> str:
    address = parseaddr(text)[1]
    if not re.fullmatch(r"[^@\s<>\"]+@[^@\s<>\"]+", address) or not text.isprintable():
        raise ConfigError(f"TANTAM_MAIL_FROM is a mail address like cskh@example.vn, not {text!r}.")
    return text
