"""Is every sentence of the product there in Vietnamese, and right?

    python -m tools.translations check      list what is missing or wrong; exit code 1 if anything is
    python -m tools.translations update     collect the sentences from the sources and babel/parts/ into the catalogue
    python -m tools.translations compile    write the .mo beside it, which the product reads (`update` does it too)

There is one catalogue, babel/vi/LC_MESSAGES/messages.po. It holds our sentences and those of the packages that speak to
people and have no Vietnamese of their own: Flask-AppBuilder, WTForms and Flask-WTF, read from what is installed.
Whoever writes sentences may leave their translations in babel/parts/NAME.po; `update` takes them in and removes the
file. A sentence that is no longer used stays at the end of the catalogue (`#~`), for it may come back with the next
change, until `update --forget`.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = ROOT / "babel" / "babel.cfg"
PARTS = ROOT / "babel" / "parts"
CATALOGUE = ROOT / "babel" / "vi" / "LC_MESSAGES" / "messages.po"

#: How our sentences are marked (app/core/i18n.py); a plural is (singular, plural).
OUR_KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "ngettext": (1, 2)}
PACKAGES = ("flask_appbuilder", "wtforms", "flask_wtf")
PACKAGE_KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None, "__": None, "gettext": None, "lazy_gettext": None, "lazy_formatter_gettext": None, "ngettext": (1, 2),
}  # fmt: skip
PACKAGE_METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]

#: No dates and no tool names: two people who update on the same day change the same lines only where they mean to.
HEADER = """\
# Tận Tâm in Vietnamese. Words: docs/glossary.md. Written by people, sorted by `python -m tools.translations update`.
msgid ""
msgstr ""
"Project-Id-Version: tantam\\n"
"Language: vi\\n"
"Language-Team: vi\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""

#: The same word in both languages. Names of products, and words that Vietnamese offices use as they are.
SAME_IN_BOTH = {"Email", "Facebook", "Hotline: %(phone)s", "Logo", "Singapore", "Website", "Zalo"}

#: English words with several meanings, of which Vietnamese needs different words. The catalogue tells in a comment
#: which one is meant; a second meaning gets a sentence of its own in the source ("Open it", "Work that is open").
SEVERAL_MEANINGS = {
    "and", "claim", "move", "no", "open", "or", "preferred", "required", "yes",
    "Address", "Changed", "Claim", "Close", "Complete", "Contact", "Due", "File", "Form", "From", "Head", "Kind",
    "Late", "Left", "New", "Note", "Open", "Opened", "Order", "Return", "Sent", "Start", "State", "Subject",
    "Title", "To", "Work", "Written",
}  # fmt: skip

#: What the product does not say to people (see "Voice" in docs/glossary.md).
NOT_SAID = re.compile(r"!(?!=)|\b(?:submit|null|instance|bản ghi|không hợp lệ|vui lòng)\b", re.IGNORECASE)

PLACEHOLDER = re.compile(r"%\(\w+\)[-+ #0]*\d*(?:\.\d+)?[a-z]|%[sdf]|\{\d*\}|\{\{[^{}]*\}\}|</?[a-zA-Z][^<>]*>")


def main(arguments: list[str]) -> int:
    reader = argparse.ArgumentParser(prog="python -m tools.translations", description=(__doc__ or "").splitlines()[0])
    commands = reader.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="list what is missing or wrong; exit code 1 if anything is")
    updating = commands.add_parser("update", help="collect the sentences into the catalogue")
    updating.add_argument("--forget", action="store_true", help="drop translations that are no longer used")
    commands.add_parser("compile", help="write the .mo that the product reads")
    given = reader.parse_args(arguments)
    if given.command == "update":
        lines = update(forget=given.forget)
    elif given.command == "compile":
        compile_catalogue()
        return 0
    else:
        lines = list(problems(read(CATALOGUE), sentences()))
    for line in lines:
        sys.stdout.write(line + "\n")
    return 1 if lines and given.command == "check" else 0


def sentences() -> Catalog:
    """Everything that can be said to people, in English, with the files in which it stands."""
    found = Catalog(locale="vi")
    with SETTINGS.open(encoding="utf-8") as stream:
        methods, options = parse_mapping_cfg(stream)  # type: ignore[no-untyped-call]
    _collect(found, ROOT, "", methods, options, OUR_KEYWORDS)
    for package in PACKAGES:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise SystemExit(f"{package} is not installed")
        _collect(found, Path(spec.origin).parent, f"{package}/", PACKAGE_METHODS, {}, PACKAGE_KEYWORDS)
    return found


def _collect(
    into: Catalog,
    folder: Path,
    prefix: str,
    methods: list[tuple[str, str]],
    options: dict[str, dict[str, str]],
    keywords: dict[str, tuple[int, ...] | None],
) -> None:
    every = extract_from_dir(folder, methods, options, keywords, directory_filter=_is_source)
    for file, _line, said, _comments, context in every:
        if said and said != ("", ""):
            into.add(said, None, [(prefix + Path(file).as_posix(), 0)], context=context)


def _is_source(folder: str | Path) -> bool:
    """Babel's own filter would leave out templates/_parts."""
    name = Path(folder).name
    return not name.startswith(".") and name not in {"__pycache__", "node_modules", "instance"}


def read(file: Path) -> Catalog:
    with file.open("rb") as stream:
        return read_po(stream, locale="vi", charset="utf-8", abort_invalid=True)


def update(*, forget: bool = False) -> list[str]:
    """Bring the catalogue in line with the sources; returns what a person should look at."""
    old = read(CATALOGUE) if CATALOGUE.exists() else Catalog(locale="vi")
    known: dict[str, Message] = {}
    notes: list[str] = []
    for message in [*old.obsolete.values(), *(message for message in old if message.id)]:
        if _translation(message):
            known[_english(message)] = message
    parts = sorted(PARTS.glob("*.po"))
    for part in parts:
        for message in read(part):
            if not message.id or not _translation(message):
                continue
            first = known.setdefault(_english(message), message)
            if _translation(first) != _translation(message):
                notes.append(
                    f"{part.name}: {_short(message)}: kept “{_translation(first)}”, not “{_translation(message)}”"
                )
    new = sentences()
    for message in new:
        if message.id and (translated := known.pop(_english(message), None)):
            message.string = _as_plural(message, translated)
            message.flags |= translated.flags & {"fuzzy"}
            message.user_comments = [line for line in translated.user_comments if not line.startswith("app/")]
    if not forget:
        for message in known.values():
            message.locations = []
            new.obsolete[_english(message)] = message
    _write(new)
    compile_catalogue()
    for part in parts:
        part.unlink()
    return notes + list(problems(read(CATALOGUE), new))


def _write(catalog: Catalog) -> None:
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    with CATALOGUE.open("wb") as stream:
        stream.write(HEADER.encode())
        write_po(stream, catalog, width=0, omit_header=True, sort_output=True, include_lineno=False)


def compile_catalogue() -> Path:
    """Write messages.mo; a fuzzy translation stays out of it, so its sentence is shown in English."""
    compiled = CATALOGUE.with_suffix(".mo")
    draft = compiled.with_suffix(".mo.new")
    with draft.open("wb") as stream:
        write_mo(stream, read(CATALOGUE))
    draft.replace(compiled)  # a running process reads the old one or the new one
    return compiled


def problems(catalog: Catalog, used: Catalog) -> Iterator[str]:
    """One line for everything that is missing or wrong in `catalog`, measured by the sentences that are `used`."""
    for message in used:
        if not message.id:
            continue
        ours = catalog.get(message.id, message.context)
        if ours is None or not _translation(ours):
            yield f"missing: {_short(message)} ({', '.join(sorted({file for file, _line in message.locations}))})"
    for message in catalog:
        if not message.id:
            continue
        if used.get(message.id, message.context) is None:
            yield f"no longer used: {_short(message)}"
        if _translation(message):
            yield from (f"{what}: {_short(message)}" for what in _flaws(message))
    for message in catalog.obsolete.values():
        yield f"no longer used: {_short(message)} (update --forget drops it)"


def _flaws(message: Message) -> Iterator[str]:
    english = message.id[-1] if isinstance(message.id, (tuple, list)) else message.id
    vietnamese = _translation(message)
    if message.fuzzy:
        yield "fuzzy"
    if isinstance(message.id, (tuple, list)) != isinstance(message.string, (tuple, list)):
        yield "one of singular and plural is missing"
    asked, given = _placeholders(english), _placeholders(vietnamese)
    if asked - given:
        yield f"lacks {' '.join(sorted(asked - given))}"
    if given - asked:
        yield f"has {' '.join(sorted(given - asked))}, which the sentence does not"
    if "%" in PLACEHOLDER.sub("", vietnamese.replace("%%", "")) and "%" not in PLACEHOLDER.sub("", english):
        yield "has a lone %"
    for edge in (0, -1):
        if english[edge].isspace() != vietnamese[edge].isspace():
            yield "begins or ends with a blank, unlike the sentence"
    letters = PLACEHOLDER.sub("", english)
    if vietnamese == english and english not in SAME_IN_BOTH and any(sign.isalpha() for sign in letters):
        yield "is still English"
    if said := NOT_SAID.search(vietnamese):
        yield f"says “{said[0]}”"
    if english in SEVERAL_MEANINGS and not message.user_comments:
        yield "has several meanings; a comment (# …) above it must tell which one this is"


def _placeholders(text: str) -> set[str]:
    return {found for found in PLACEHOLDER.findall(text.replace("%%", "")) if found != "{}"}


def _translation(message: Message) -> str:
    """The Vietnamese text, which is the same for every number; empty when there is none."""
    return message.string if isinstance(message.string, str) else (message.string or ("",))[0]


def _as_plural(message: Message, translated: Message) -> str | tuple[str, ...]:
    text = _translation(translated)
    return (text,) if isinstance(message.id, (tuple, list)) else text


def _english(message: Message) -> str:
    """The sentence for one, which finds the translation again when the sentence gets a plural."""
    return message.id if isinstance(message.id, str) else message.id[0]


def _short(message: Message) -> str:
    return repr(_english(message))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
