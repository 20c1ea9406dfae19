"""What stands on the sheet, and how does it become a PDF?"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from app.company.services import FACTS, find_logo
from app.core import files, settings
from app.core.formats import exact_text
from app.core.i18n import _, reader_language
from app.forms.fields.base import Context, Control, FormField, Value
from app.forms.fields.rows import RowsType
from app.forms.fields.signature import HEIGHT, WIDTH, name_typed
from app.forms.filling.shown import answered
from app.forms.models import Submission
from app.forms.printing.letters import printable
from app.forms.reading import covered, is_read
from app.forms.words import say

if TYPE_CHECKING:
    from typst import Fonts

logger = logging.getLogger(__name__)

#: does it draw at all?
_ONE_PICTURE = b"""#let told = json(bytes(sys.inputs.told))
#image(told.path, format: told.format)"""
SHEET = Path(__file__).with_name("sheet.typ")
_FORMATS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}
#: in bytes: pictures of one sheet beyond it are named, as files are, so that it can still be sent by mail
_MOST_PICTURES = 20 * files.MEGABYTE


def sheet(session: Session, submission: Submission, context: Context, *, by: str, about: str) -> dict[str, Any]:
    """All that the sheet tells, in the reader's language. `by`: who filled it in; `about`: the customer, or "" ."""
    version = submission.version
    filled_in = exact_text(submission.created_at, context.time_zone)
    number = _("Submission no. %(number)s", number=submission.id)
    told = [f"{number} · {_('version %(number)s', number=version.number)}"]
    told += [str(_("Filled in by %(name)s, %(time)s", name=by, time=filled_in) if by else filled_in)]
    told += [str(_("About %(name)s", name=about))] if about else []
    left = [_MOST_PICTURES]
    return {
        "language": reader_language(),
        "title": version.form.name,
        "facts": told,
        "foot": f"{version.form.name} · {number}",
        "company": _letterhead(session),
        "pages": [
            {"title": title, "sections": [
                {"title": name, "answers": [_told(one, value, context, left) for one, value in answers]}
                for name, answers in parts
            ]}
            for title, parts in answered(submission, context)
        ],
    }  # fmt: skip


def pdf(told: Mapping[str, Any], fonts: Path) -> bytes:
    """The sheet as PDF; `fonts` is the folder in which the built ones lie. Call it outside of a transaction: it works.

    A picture that cannot be drawn is named instead, a sign that no font has becomes a square.
    """
    import typst  # 34 MB that only whoever prints needs

    def drawn(source: bytes, sent: Mapping[str, Any]) -> bytes:
        given = {"told": printable(json.dumps(sent, ensure_ascii=False), fonts)}
        root = str(files.folder())  # the one place from which the sheet may read: logo and photos lie there
        # Its stubs want the text and the folder to be of one type.
        made = typst.compile(source, root=root, font_paths=_fonts(fonts), sys_inputs=given)  # type: ignore[type-var]
        assert isinstance(made, bytes)
        return made

    def can_be_drawn(picture: Mapping[str, str]) -> bool:
        try:
            drawn(_ONE_PICTURE, picture)
        except typst.TypstError:
            logger.warning("a picture cannot be printed: %s", picture["format"])
            return False
        return True

    try:
        return drawn(SHEET.read_bytes(), told)
    except typst.TypstError:
        return drawn(SHEET.read_bytes(), _without(told, can_be_drawn))


def _without(told: Mapping[str, Any], can_be_drawn: Callable[[Mapping[str, str]], bool]) -> dict[str, Any]:
    """The same sheet without the pictures that cannot be drawn: their names stand there."""
    company = told["company"]
    if company["logo"] is not None and not can_be_drawn(company["logo"]):
        company = {**company, "logo": None}

    def answer(one: dict[str, Any]) -> dict[str, Any]:
        wrong = [picture for picture in one.get("pictures", ()) if not can_be_drawn(picture)]
        kept = [picture for picture in one.get("pictures", ()) if picture not in wrong]
        names = [one["text"], *(picture["name"] for picture in wrong)] if wrong else []
        return {**one, "pictures": kept, "text": "\n".join(filter(None, names))} if wrong else one

    def section(one: dict[str, Any]) -> dict[str, Any]:
        return {**one, "answers": [answer(told) for told in one["answers"]]}

    pages = [{**page, "sections": [section(one) for one in page["sections"]]} for page in told["pages"]]
    return {**told, "company": company, "pages": pages}


@lru_cache(1)
def _fonts(folder: Path) -> Fonts:
    """Ours and no others: a letter that one of them lacks is taken from the next."""
    import typst

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)])


def _letterhead(session: Session) -> dict[str, Any]:
    known = {key: str(settings.get(session, key) or "") for key in FACTS}
    tax = str(_("Tax code: %(code)s", code=known["tax_code"])) if known["tax_code"] else ""
    lines = [known["address"], " · ".join(filter(None, (tax, known["phone"], known["email"], known["website"])))]
    logo = find_logo(session)
    has_logo = logo is not None and logo.content_type in _FORMATS and files.location(logo).exists()
    return {
        "name": str(settings.get(session, "company_name")),
        "facts": list(filter(None, lines)),
        "logo": {"path": f"/{logo.path}", "format": _FORMATS[logo.content_type]} if logo and has_logo else None,
    }


def _files(value: Value, context: Context, left: list[int]) -> dict[str, Any]:
    """Pictures as such, the rest by name. `left`: how many bytes of pictures the sheet still takes; is lessened."""
    pictures, names = [], []
    for number in value if isinstance(value, list) else []:
        facts = context.files.facts_of(int(number))
        if facts is not None and facts.content_type in _FORMATS and facts.kept_as and facts.size <= left[0]:
            left[0] -= facts.size
            form = _FORMATS[facts.content_type]
            pictures.append({"path": f"/{facts.kept_as}", "format": form, "name": facts.name})
        else:
            names.append(facts.name if facts else str(_("File you may not see")))
    return {"pictures": pictures, "text": "\n".join(names)}


def _told(one: FormField, value: Value, context: Context, left: list[int]) -> dict[str, Any]:
    told: dict[str, Any] = {"label": say(one.spec.label)}
    if not is_read(one, context):
        return {**told, "text": covered(one, value, context)}
    match one.type.face.control:
        case Control.rows:
            rows, columns = RowsType(), one.spec.own["fields"]
            sums = {column.key: text for column, text in rows.sums(value, one.spec)}
            told["heads"] = [say(column.spec.label) for column in columns]
            told["rows"] = [[text for _label, text in row] for row in rows.table(value, one.spec, context)]
            told["feet"] = [sums.get(column.key, "") for column in columns] if sums else []
        case Control.files:
            told |= _files(value, context, left)
        case Control.signature if name_typed(value) is None:
            # Strokes of whole numbers and nothing else: SignatureType has read them.
            told["drawing"] = (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"><path d="{value}" fill="none" '
                'stroke="#17302f" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>'
            )
        case _:
            told["text"] = one.type.show(value, one.spec, context)
    return told
