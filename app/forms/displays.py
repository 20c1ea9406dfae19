"""How does an answer look on a page? As its text, and what has more to show with it: files, rows, a signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from markupsafe import Markup

from app.core.files import DRAWN
from app.core.i18n import _
from app.forms import queries
from app.forms.fields.base import Context, Control, FormField, Value
from app.forms.fields.rows import RowsType
from app.forms.fields.signature import HEIGHT, WIDTH, name_typed
from app.forms.models import Submission
from app.forms.reading import covered, is_read, is_seen
from app.forms.words import say


class ShownAnswer(NamedTuple):
    """One answer as people read it; the text is empty where nothing was answered, and Markup where it has more."""

    label: str
    text: str


def shown_answers(submission: Submission, *, context: Context | None = None) -> list[ShownAnswer]:
    """The answers in on-screen order, as they were given: labels and options are those of their own version."""
    context = replace(context or Context(), answers=submission.answers)
    shown = []
    for one in queries.definition_of(submission.version).fields:
        if one.type.has_answer and is_seen(one, context):
            value = submission.answers.get(one.key)
            shown.append(ShownAnswer(say(one.spec.label), "" if value is None else display(one, value, context)))
    return shown


def display(one: FormField, value: Value, context: Context) -> str:
    """One answer, with dots for whoever reads dots; escaped where it is Markup."""
    if not is_read(one, context):
        return covered(one, value, context)
    drawn = _DRAWN.get(one.type.face.control)
    return one.type.show(value, one.spec, context) if drawn is None else drawn(one, value, context)


def _files(one: FormField, value: Value, context: Context) -> Markup:
    """Pictures in small, the rest by name; each leads to the whole."""
    known = [context.files.facts_of(int(number)) for number in value] if isinstance(value, list) else []
    pictures = [facts for facts in known if facts and facts.path and facts.content_type in DRAWN]
    small = Markup("").join(
        Markup('<a href="%s?xem=1" target="_blank" rel="noopener"><img src="%s" alt="%s" loading="lazy"></a>')
        % (facts.path, facts.path, facts.name) for facts in pictures
    )  # fmt: skip
    named = Markup("<br>").join(
        Markup('<a class="tt-link" href="%s">%s</a>') % (facts.path, facts.name) if facts and facts.path
        else Markup("%s") % (facts.name if facts else _("File you may not see"))
        for facts in known if facts not in pictures
    )  # fmt: skip
    return (Markup('<span class="tt-photos">%s</span>') % small if small else Markup("")) + named


def _rows(one: FormField, value: Value, context: Context) -> Markup:
    rows = RowsType()
    columns = one.spec.own["fields"]
    totals = {column.key: text for column, text in rows.sums(value, one.spec)}

    def line(cells: list[str], tag: str = "td") -> Markup:
        drawn = Markup("").join(Markup(f"<{tag}>%s</{tag}>") % cell for cell in cells)  # noqa: S704 - td or th
        return Markup("<tr>%s</tr>") % drawn

    body = Markup("").join(line([text for _label, text in row]) for row in rows.table(value, one.spec, context))
    foot = line([totals.get(column.key, "") for column in columns], "th") if totals else Markup("")
    return Markup('<div class="tt-rows"><table><thead>%s</thead><tbody>%s</tbody><tfoot>%s</tfoot></table></div>') % (
        line([say(column.spec.label) for column in columns], "th"), body, foot)  # fmt: skip


def _signature(one: FormField, value: Value, context: Context) -> str:
    if name_typed(value) is not None:
        return one.type.show(value, one.spec, context)
    picture = Markup('<svg viewBox="0 0 %s %s" role="img" aria-label="%s"><path d="%s"/></svg>')
    return Markup('<span class="tt-sign">%s</span>') % (picture % (WIDTH, HEIGHT, _("Signed"), str(value)))


_DRAWN: Mapping[Control, Callable[[FormField, Value, Context], str]] = {
    Control.files: _files,
    Control.rows: _rows,
    Control.signature: _signature,
}
