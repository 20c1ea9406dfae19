"""Which names, passwords and numbers of tries are acceptable? Pure."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.core.errors import Sentence
from app.core.i18n import DEFAULT_TIME_ZONE, _
from app.core.vietnamese import as_typed, fold

#: Wrong passwords allowed in the window, counted per address and per account.
TRIES = 10
TRIES_WINDOW = timedelta(minutes=5)
SIGN_IN_LASTS = timedelta(hours=12)
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 128
#: What the sentences show as an example, and therefore nobody may use.
PASSWORD_EXAMPLE = "mưa chiều thứ tư"  # noqa: S105 - an example, refused by password_problem
_OBVIOUS = (
    "tantam", "matkhau", "password", "12345678", "123456789", "1234567890", "qwertyui", "iloveyou", "abcd1234",
    fold(PASSWORD_EXAMPLE).replace(" ", ""),
)  # fmt: skip

#: What a new password has to be, said before it is typed.
PASSWORD_RULES = _(
    "%(shortest)d to %(longest)d characters, nothing easy to guess. A short sentence is strong and easy to remember,"
    " such as “%(example)s”, but one of your own.",
    shortest=SHORTEST_PASSWORD,
    longest=LONGEST_PASSWORD,
    example=PASSWORD_EXAMPLE,
)


def password_problem(password: str, *, username: str = "") -> Sentence | None:
    """Why this password will not do, or None. No rules of composition (ASVS 6.2.5): length and the obvious ones."""
    if len(password) < SHORTEST_PASSWORD:
        return _(
            "Too short: at least %(count)d characters. Example: %(example)s",
            count=SHORTEST_PASSWORD, example=PASSWORD_EXAMPLE,
        )  # fmt: skip
    if len(password) > LONGEST_PASSWORD:
        return _(
            "Too long: at most %(count)d characters. Example: %(example)s",
            count=LONGEST_PASSWORD, example=PASSWORD_EXAMPLE,
        )  # fmt: skip
    plain = fold(password).replace(" ", "")
    if plain.startswith(_OBVIOUS[-1]):
        return _("This is our example, which everybody can read. Make a sentence of your own.")
    if username and plain == username.lower():
        return _("This is your user name. Make a short sentence of your own, such as “%(example)s”.",
                 example=PASSWORD_EXAMPLE)  # fmt: skip
    if any(plain.startswith(word) for word in _OBVIOUS) or len(set(plain)) < 4:
        return _("Too easy to guess. Make a short sentence of your own, such as “%(example)s”.",
                 example=PASSWORD_EXAMPLE)  # fmt: skip
    return None


def read_name(typed: str) -> str:
    """A name as people read it: composed letters, single spaces, nothing unseen; empty where no letter is in it."""
    name = " ".join(unicodedata.normalize("NFC", as_typed(typed)).split())
    return name if any(sign.isalnum() for sign in name) else ""


def plain_text(typed: str) -> str:
    """Words in several lines: composed letters, one kind of line end, nothing unseen."""
    text = unicodedata.normalize("NFC", typed.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(
        sign for sign in text if sign in "\n\u200d" or unicodedata.category(sign) not in ("Cc", "Cf", "Cs")
    ).strip()


def new_token() -> str:
    """A bearer of rights: 256 random bits, as text."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What the database keeps of a token: whoever reads the table cannot sign in with it."""
    return hashlib.sha256(token.encode()).hexdigest()


def account_key(name: str) -> str:
    """Under which name tries for one account are counted: the user name, or what was typed when nobody is meant."""
    return name.strip().lower()[:200]


PHONE_WRONG = _("This phone number is not right yet. Example: 0912 345 678")

#: Where members work: the zones on offer, with the place as people call it.
TIME_ZONES: Mapping[str, Sentence] = {
    DEFAULT_TIME_ZONE: _("Vietnam"),
    "Asia/Bangkok": _("Thailand"),
    "Asia/Singapore": _("Singapore"),
    "Asia/Shanghai": _("China"),
    "Asia/Taipei": _("Taiwan"),
    "Asia/Tokyo": _("Japan"),
    "Asia/Seoul": _("South Korea"),
    "Asia/Kolkata": _("India"),
    "Australia/Sydney": _("Australia, Sydney"),
    "Europe/London": _("United Kingdom"),
    "Europe/Paris": _("France"),
    "Europe/Berlin": _("Germany"),
    "Europe/Prague": _("Czechia"),
    "America/New_York": _("United States, East Coast"),
    "America/Chicago": _("United States, Central"),
    "America/Los_Angeles": _("United States, West Coast"),
}


def zone_choices(present: str, now: datetime) -> list[tuple[str, str]]:
    """(zone, "Việt Nam (GMT+7)"), with the one that the person has even where it is none of ours."""
    offered = dict(TIME_ZONES)
    offered.setdefault(present, present)
    choices = []
    for zone, place in offered.items():
        offset = now.astimezone(ZoneInfo(zone)).utcoffset()
        minutes = int(offset.total_seconds()) // 60 if offset else 0
        hours, rest = divmod(abs(minutes), 60)
        ahead = f"GMT{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02d}" if rest else "")
        choices.append((zone, f"{place} ({ahead})"))
    return choices


#: What a browser calls itself → its name. The first that fits: most call themselves Chrome or Safari besides.
_BROWSERS: Sequence[tuple[str, str]] = (
    (r"coc_coc_browser", "Cốc Cốc"),
    (r"\bZalo", "Zalo"),
    (r"FBAN|FBAV", "Facebook"),
    (r"SamsungBrowser", "Samsung Internet"),
    (r"\bOPR/|\bOpera", "Opera"),
    (r"\bEdg(A|iOS)?/", "Edge"),
    (r"Firefox/|FxiOS/", "Firefox"),
    (r"Chrome/|CriOS/", "Chrome"),
    (r"Version/.*Safari/", "Safari"),
)
_SYSTEMS: Sequence[tuple[str, str]] = (
    (r"iPhone|iPod", "iPhone"),
    (r"iPad", "iPad"),
    (r"Android", "Android"),
    (r"Windows", "Windows"),
    (r"CrOS", "ChromeOS"),
    (r"Macintosh|Mac OS X", "macOS"),
    (r"Linux|X11", "Linux"),
)
_HANDHELD = ("iPhone", "iPad", "Android")
_LONGEST_PROGRAM = 40


def device_words(agent: str | None) -> Sentence:
    """The device behind a user agent, in words: "Chrome trên Windows". A program is called what it calls itself."""
    browser, system = _first(_BROWSERS, agent), _first(_SYSTEMS, agent)
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    if browser or system:
        return browser or system
    program = (agent or "").split("/")[0].strip()[:_LONGEST_PROGRAM]
    return program or _("Unknown device")


def is_handheld(agent: str | None) -> bool:
    return _first(_SYSTEMS, agent) in _HANDHELD


def _first(named: Sequence[tuple[str, str]], agent: str | None) -> str | None:
    return next((name for sign, name in named if re.search(sign, agent or "")), None)


#: how long the link of an invitation opens the door
INVITATION_LASTS = timedelta(days=7)
LONGEST_NAME = 64
LONGEST_EMAIL = 200
LONGEST_TITLE = 100
LONGEST_SIGNATURE = 1_000
USERNAME_WRONG = _("Small letters without accents, digits, dot or dash. Example: hoa.nguyen")
EMAIL_WRONG = _("This is not an e-mail address yet. Example: hoa@congty.vn")
#: what an account keeps that has no password yet: no password hashes to it
NO_PASSWORD = "!"  # noqa: S105 - the absence of one

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_EMAIL = re.compile(r"[^\s@<>()\[\]\\,;:\"]+@[^\s@<>()\[\]\\,;:\".]+(?:\.[^\s@<>()\[\]\\,;:\".]+)+")
_NOT_IN_USERNAMES = re.compile(r"[^a-z0-9]+")
_SECRET_LINK = re.compile(r"(/loi-moi/)[A-Za-z0-9_-]{20,}")
#: short words without accents, easy to read out over the phone: four of 64 and four digits are 37 bits, behind TRIES
_SYLLABLES = (
    "bac", "ban", "bay", "bien", "bong", "buom", "cam", "canh", "cau", "chim", "chuoi", "cong", "dao", "den", "dong",
    "dua", "gao", "gio", "hat", "hoa", "hong", "kem", "khoai", "la", "lan", "lua", "mai", "mam", "may", "mit", "mo",
    "mua", "nam", "nang", "ngo", "nho", "non", "nui", "oi", "phong", "qua", "rau", "rung", "sao", "sen", "song",
    "sua", "suoi", "tao", "tet", "thuyen", "tra", "trang", "tre", "trong", "tuyet", "uyen", "vang", "vuon", "xanh",
    "xoai", "xuan", "yen", "bo",
)  # fmt: skip


def username_problem(typed: str) -> Sentence | None:
    return None if _USERNAME.fullmatch(typed) and len(typed) <= LONGEST_NAME else USERNAME_WRONG


def username_of(family_name: str, given_name: str) -> str:
    """What the person could be called at the door: "Nguyễn Ngọc", "Lan" → "lan.nguyen"; "" where no letter is left."""
    given = _NOT_IN_USERNAMES.sub("", fold(given_name).split()[-1] if fold(given_name) else "")
    family = _NOT_IN_USERNAMES.sub("", fold(family_name).split()[0] if fold(family_name) else "")
    return ".".join(part for part in (given, family) if part)[:LONGEST_NAME]


def read_email(typed: str) -> str | None:
    """The address as it is kept, None if it is none."""
    address = as_typed(typed)
    return address if len(address) <= LONGEST_EMAIL and address.isprintable() and _EMAIL.fullmatch(address) else None


def first_password() -> str:
    """Something to say or write to a new colleague, that he changes at once: "mua-sen-tre-lua-4821"."""
    words = "-".join(secrets.choice(_SYLLABLES) for _number in range(4))
    return f"{words}-{secrets.randbelow(10_000):04d}"


def without_secrets(text: str) -> str:
    """The text of a mail without the secret of an invitation: for those who read mails and do not invite."""
    return _SECRET_LINK.sub(r"\1…", text)
