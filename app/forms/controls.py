"""With which HTML is an answer given? One drawer for each control; everything works without a script."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup
from wtforms.widgets import html_params

from app.core.files import MEGABYTE
from app.core.formats import money_text
from app.core.i18n import _, ngettext
from app.customers import places
from app.forms.fields.base import Context, Control, FieldSpec, FormField
from app.forms.fields.customer import WORDS_PART, Named
from app.forms.fields.file import MOST_FILES, FileType
from app.forms.fields.member import read_id
from app.forms.fields.patterns import NOT_LIKE_THIS
from app.forms.fields.rows import RowsType
from app.forms.fields.signature import HEIGHT, NAME_PART, WIDTH, name_typed
from app.forms.fields.stars import StarsType
from app.forms.logic import clock_for_browser, columns_for_browser
from app.forms.words import say

#: stands where nothing is chosen yet
CHOOSE = _("Choose…")
#: Up to so many answers to choose from stand side by side; more are a list.
MOST_BUTTONS = 4
#: so many empty rows are offered below those that were filled in
SPARE_ROWS = 3
#: the button with which a page without a script asks for more rows; nothing is judged or sent by it
MORE_ROWS = "more_rows"
#: as what the row is numbered that a script adds; it puts a number of its own there
LATER_ROW = 9999


@dataclass(frozen=True)
class Input:
    """One input to draw: a question of the page, or a cell of its rows.

    `typed` is what stands in it, in the shape of `FieldType.gather`: what was posted, else the value as one types it.
    """

    one: FormField
    id: str
    name: str
    typed: object
    context: Context
    is_wrong: bool = False
    is_described: bool = False
    #: sentences about parts of the answer, by their place
    inside: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: how it is called where no label stands beside it
    label: str = ""

    @property
    def text(self) -> str:
        return "" if self.typed is None else str(self.typed)

    @property
    def choices(self) -> list[tuple[str, str]]:
        """(value, label) of what there is to choose from."""
        # All that may ever be offered: the page's script takes away what does not fit the other answers.
        return [(one.value, say(one.label)) for one in self.one.type.possible(self.one.spec, self.context)]

    @property
    def chosen(self) -> str:
        """The option that is marked: "có" sent by another program marks "yes"."""
        value = self.one.type.parse(self.typed, self.one.spec, self.context).value
        return self.text if value is None else str(self.one.type.write(value, self.one.spec, self.context))

    @property
    def shown(self) -> str:
        """The value for the eye, where the input holds something else (a customer's name for his id)."""
        value = self.one.type.parse(self.typed, self.one.spec, self.context).value
        return self.text if value is None else self.one.type.show(value, self.one.spec, self.context)


def control_of(one: FormField, choices: Callable[[], Sequence[Any]]) -> str:
    """How it is drawn: line, area, buttons, list, checks, scale, lookup, address, rows, files, signature, told."""
    if one.type.face.control is Control.choice:
        return "buttons" if len(choices()) <= MOST_BUTTONS else "list"
    return one.type.face.control.value


def draw(one: Input, given: dict[str, Any]) -> Markup:
    """The input alone, with what the template `given` comes last; label, help and messages are the template's."""
    return _DRAW[control_of(one.one, lambda: one.choices)](one, given)


def _html(**attributes: Any) -> Markup:
    return Markup(html_params(**attributes))  # noqa: S704 - html_params escapes names and values


def _attributes(one: Input, css: str, given: dict[str, Any]) -> dict[str, Any]:
    """What every control carries; `given` by the template comes last."""
    described = [f"{one.id}-help"] * one.is_described + [f"{one.id}-error"] * one.is_wrong
    known: dict[str, Any] = {"id": one.id, "name": one.name, "class": f"{css} is-invalid" if one.is_wrong else css}
    if described:
        known["aria-describedby"] = " ".join(described)
    if one.is_wrong:
        known["aria-invalid"] = "true"
    if one.label:
        known["aria-label"] = one.label
    if one.one.spec.required:
        # Not `required`: the browser would speak its own language instead of ours.
        known["aria-required"] = "true"
    return known | given


#: what a browser knows of whom it belongs to
_FILLED_IN = {"name": "name", "phone": "tel", "email": "email", "birthday": "bday"}


def _line(one: Input, given: dict[str, Any]) -> Markup:
    face = one.one.type.face
    autocomplete: str | bool = face.autocomplete
    if one.context.is_about_oneself:
        autocomplete = _FILLED_IN.get(one.one.spec.own.get("maps_to", ""), False)
    known = {"type": "text", "inputmode": face.mode, "autocomplete": autocomplete, "value": one.text}
    if face.placeholder:
        known["placeholder"] = str(face.placeholder)
    if face.helper:
        known[f"data-{face.helper}"] = "true"
    if pattern := one.one.spec.own.get("pattern"):
        known["data-pattern"], known["data-pattern-says"] = pattern, say(one.one.spec.message) or str(NOT_LIKE_THIS)
    bounds = one.one.type.bounds(one.one.spec)
    if bounds is not None:
        known["data-min"], known["data-max"] = map(str, bounds)
    return Markup("<input %s>") % _html(**_attributes(one, "form-control", known | given))


def _area(one: Input, given: dict[str, Any]) -> Markup:
    attributes = _attributes(one, "form-control", {"rows": one.one.spec.own.get("rows", 4)} | given)
    # A browser drops the first line break behind the tag: this one is for it.
    return Markup("<textarea %s>\n%s</textarea>") % (_html(**attributes), one.text)


def _group(one: Input, css: str, given: dict[str, Any], inner: Markup, role: str = "group") -> Markup:
    attributes = _attributes(one, css, {"role": role} | given)
    # A group of inputs cannot be required or wrong itself; a set of radio buttons can.
    gone = {"name"} if role == "radiogroup" else {"name", "aria-required", "aria-invalid"}
    kept = {name: value for name, value in attributes.items() if name not in gone}
    return Markup("<div %s>%s</div>") % (_html(**kept), inner)


def _buttons(one: Input, given: dict[str, Any]) -> Markup:
    return _group(one, "tt-radio", given, _radios(one), "radiogroup")


def _radios(one: Input, told: Mapping[str, str] | None = None) -> Markup:
    """`told`: value → what is read out behind its label."""
    chosen = one.chosen
    buttons = Markup("").join(
        Markup("<label><input %s>%s%s</label>") % (
            _html(type="radio", name=one.name, value=value, checked=value == chosen), label,
            Markup('<span class="tt-vh">: %s</span>') % told[value] if told and value in told else "",
        )
        for value, label in one.choices
    )  # fmt: skip
    if one.one.spec.required:
        return buttons
    # What was chosen can be taken back: with a script by a button (clear-choice.js), without one like this.
    none = _html(type="radio", name=one.name, value="", checked=not one.text)
    return buttons + Markup("<noscript><label><input %s>%s</label></noscript>") % (none, _("No answer"))


def _scale(one: Input, given: dict[str, Any]) -> Markup:
    kind = one.one.type
    assert isinstance(kind, StarsType)
    least, most = kind.ends_of(one.one.spec)
    radios = _radios(one, {str(kind.least): least, str(kind.most): most})
    ends = Markup('<span class="tt-scale__ends" aria-hidden="true"><span>%s</span><span>%s</span></span>') % (
        least,
        most,
    )
    return _group(one, "tt-radio tt-scale", given, radios + ends, "radiogroup")


def _checks(one: Input, given: dict[str, Any]) -> Markup:
    chosen = [str(value) for value in one.typed] if isinstance(one.typed, list) else [one.text]
    offered = one.choices
    # What was sent and is not offered comes back as it was, so that one sees what is refused.
    known = {value for value, _label in offered}
    others = [(value, value) for value in chosen if value and value not in known]
    boxes = (_check(one.name, value, label, is_chosen=value in chosen) for value, label in [*offered, *others])
    return _group(one, "tt-checks", given, Markup("").join(boxes))


def _check(name: str, value: str, label: str, *, is_chosen: bool) -> Markup:
    box = _html(type="checkbox", **{"class": "form-check-input"}, name=name, value=value, checked=is_chosen)
    return Markup('<label class="form-check"><input %s><span class="form-check-label">%s</span></label>') % (box, label)


def _list(one: Input, given: dict[str, Any]) -> Markup:
    options = [("", str(CHOOSE) if one.one.spec.required else "—"), *one.choices]
    chosen = one.chosen
    if one.text and chosen not in dict(options):
        options.append((chosen, one.shown))
    return _select(one, options, chosen, given)


def _lookup(one: Input, given: dict[str, Any]) -> Markup:
    # Only the one chosen: the page's script looks the others up. Where there is none he is named in words, which win.
    words = one.text if isinstance(one.typed, Named) else ""
    chosen = one.chosen if words else one.text
    if words and chosen != words:
        words = ""  # it is known who was meant
    elif words:
        chosen = ""
    shown = one.shown if chosen else ""
    css = "form-select" if chosen else "form-select tt-scripted"
    attributes = _attributes(one, css, {"data-lookup": one.one.type.code} | given)
    told = _("Name, code or phone number of somebody else") if chosen else _("Name, code or phone number")
    line = "form-control is-invalid" if one.is_wrong else "form-control"
    typed = Markup("<noscript><input %s></noscript>") % _html(
        type="text", autocomplete="off", id=f"{one.id}-{WORDS_PART}", name=f"{one.name}.{WORDS_PART}", value=words,
        placeholder=str(told),
        **{"class": line, "aria-label": one.label or str(told)},
    )  # fmt: skip
    options = [("", ""), *([(chosen, shown)] if chosen else [])]
    return Markup("<select %s>%s</select>%s") % (_html(**attributes), _options(options, chosen), typed)


def _select(one: Input, options: Sequence[tuple[str, str]], chosen: str, given: dict[str, Any]) -> Markup:
    attributes = _html(**_attributes(one, "form-select", given))
    return Markup("<select %s>%s</select>") % (attributes, _options(options, chosen))


def _options(options: Sequence[tuple[str, str]], chosen: str) -> Markup:
    return Markup("").join(
        Markup("<option %s>%s</option>") % (_html(value=value, selected=value == chosen), label)
        for value, label in options
    )


def _address(one: Input, given: dict[str, Any]) -> Markup:
    parts = one.typed if isinstance(one.typed, dict) else {}
    province, ward, street = (str(parts.get(part) or "") for part in ("province", "ward", "street"))
    provinces = [("", str(CHOOSE)), *one.choices]
    if province and province not in dict(provinces):
        provinces.append((province, _place_name(province)))
    looked_up = {"data-url": one.context.wards_url, "data-with": f"{one.name}.province",
                 "data-placeholder": str(_("Type to search"))}  # fmt: skip
    wards = [("", ""), *([(ward, _place_name(ward))] if ward else [])]

    # Looked up by a script; without one the name is typed.
    typed_ward = Markup("<noscript><input %s></noscript>") % _html(
        type="text", autocomplete="off", value=_place_name(ward) if ward else "", name=f"{one.name}.ward",
        **{"class": "form-control", "aria-label": str(_("Ward or commune"))},
    )  # fmt: skip

    def named(part: str, css: str) -> dict[str, Any]:
        wrong = {"aria-invalid": "true"} if one.is_wrong else {}
        return {"id": f"{one.id}-{part}", "name": f"{one.name}.{part}", "class": css, **wrong}

    def labelled(part: str, label: Any, control: Markup) -> Markup:
        mark = Markup('<div class="tt-field"><label class="form-label" for="%s">%s</label>%s</div>')
        return mark % (f"{one.id}-{part}", label, control)

    inner = [
        labelled("province", _("Province or city"), Markup("<select %s>%s</select>")
                 % (_html(**named("province", "form-select")), _options(provinces, province))),
        labelled("ward", _("Ward or commune"), typed_ward + Markup("<select %s>%s</select>")
                 % (_html(**named("ward", "form-select tt-scripted"), **looked_up),
                    _options(wards, ward))),
        labelled("street", _("House number and street"), Markup("<input %s>")
                 % _html(type="text", autocomplete="off", value=street, **named("street", "form-control"))),
    ]  # fmt: skip
    return _group(one, "tt-grid2", given, Markup("").join(inner))


def _place_name(code: str) -> str:
    known = places.place(code)
    return known.name if known is not None else code


def _rows(one: Input, given: dict[str, Any]) -> Markup:
    spec, kind = one.one.spec, RowsType()
    columns = spec.own["fields"]
    sent = [row for row in one.typed if isinstance(row, dict)] if isinstance(one.typed, list) else []
    most = kind.most(spec)
    count = min(most, len(sent) + SPARE_ROWS)
    read = kind.parse(sent, spec, one.context).value
    known: list[Any] = read if isinstance(read, list) and len(read) == len(sent) else []
    sums = {column.key: text for column, text in kind.sums(known, spec)} if known else {}

    def line(number: int) -> Markup:
        row = sent[number] if number < len(sent) else {}
        values = known[number] if number < len(known) else {}
        cells = (_worked_cell(column, values, one.context) if column.type.is_worked_out
                 else _cell(one, column, number, row) for column in columns)  # fmt: skip
        return Markup("<tr>%s</tr>") % Markup("").join(cells)

    heads = Markup("").join(Markup('<th scope="col">%s</th>') % say(column.spec.label) for column in columns)
    feet = Markup("").join(_sum_cell(column, spec, sums) for column in columns)
    table = Markup("<table><thead><tr>%s</tr></thead><tbody>%s</tbody>%s</table><template>%s</template>") % (
        heads, Markup("").join(map(line, range(count))),
        Markup("<tfoot><tr>%s</tr></tfoot>") % feet if spec.own.get("sums") else "", line(LATER_ROW),
    )  # fmt: skip
    if count < most:
        button = _html(type="submit", name=MORE_ROWS, value=one.one.key, **{"class": "btn btn-sm tt-rows__add"})
        table += Markup("<noscript><button %s>%s</button></noscript>") % (button, _("Add rows"))
    live = {
        "most": most, "name": one.name, "later": LATER_ROW, **columns_for_browser(one.one),
        **clock_for_browser(one.context),
    }  # fmt: skip
    return _group(one, "tt-rows", {"data-rows": json.dumps(live)} | given, table)


def _worked_cell(column: FormField, values: Mapping[str, Any], context: Context) -> Markup:
    text = column.type.show(values[column.key], column.spec, context) if column.key in values else "—"
    mark = Markup('<td data-label="%s"><output class="tt-locked" data-worked="%s">%s</output></td>')
    return mark % (say(column.spec.label), column.key, text)


def _sum_cell(column: FormField, spec: FieldSpec, sums: Mapping[str, str]) -> Markup:
    """What the column comes to, below it; money is money in the browser too."""
    if column.key not in spec.own.get("sums", ()):
        return Markup("<th></th>")
    shown_as = "money" if column.spec.type == "money" else column.spec.own.get("shown_as", "")
    nothing = money_text(0) if shown_as == "money" else "0"
    return Markup('<th data-label="%s"><output data-sum="%s" data-shown-as="%s">%s</output></th>') % (
        say(column.spec.label), column.key, shown_as, sums.get(column.key, nothing))  # fmt: skip


def _cell(one: Input, column: FormField, number: int, row: Mapping[str, Any]) -> Markup:
    typed = row.get(column.key)
    if isinstance(typed, dict) and "" in typed:
        typed = column.type.gather(typed)
    place = f"{number}.{column.key}"
    told = one.inside.get(place, ())
    cell = Input(
        column, f"{one.id}-{number}-{column.key}", f"{one.name}.{place}", typed, one.context, is_wrong=bool(told),
        label=f"{say(column.spec.label)} {number + 1}",
    )  # fmt: skip
    # A cell has no room for a row of buttons.
    drawn = _list(cell, {}) if column.type.face.control is Control.choice else draw(cell, {})
    error = Markup('<p class="tt-err" id="%s-error">%s</p>') % (cell.id, " ".join(told)) if told else Markup("")
    return Markup('<td data-label="%s">%s%s</td>') % (say(column.spec.label), drawn, error)


def _files(one: Input, given: dict[str, Any]) -> Markup:
    kind = one.one.type
    kinds = getattr(kind, "content_types", ())
    most = kind.most(one.one.spec) if isinstance(kind, FileType) else MOST_FILES
    largest = one.context.files.largest() // MEGABYTE
    named = one.typed if isinstance(one.typed, list) else []
    kept = Markup("").join(
        _check(one.name, str(number), facts.name if (facts := one.context.files.facts_of(number)) else str(number),
               is_chosen=True)
        for sent in named if isinstance(sent, str) and (number := read_id(sent)) is not None
    )  # fmt: skip
    attributes = _attributes(one, "form-control", {
        "type": "file", "multiple": most > 1, "accept": ",".join(sorted(kinds)), "data-most-files": str(most),
        "data-most-mb": str(largest),
    } | given)  # fmt: skip
    limits = ngettext(
        "At most %(num)d file of %(size)d MB: %(kinds)s.", "At most %(num)d files of %(size)d MB each: %(kinds)s.",
        most, size=largest, kinds=_kinds_told(kinds),
    )  # fmt: skip
    return Markup('<div class="tt-filesq">%s<input %s><p class="tt-help">%s</p></div>') % (
        kept, _html(**attributes), limits)  # fmt: skip


def _kinds_told(kinds: Collection[str]) -> str:
    pictures = all(one.startswith("image/") for one in kinds)
    return str(_("pictures") if pictures else _("pictures, PDF, Word, Excel, PowerPoint, text and CSV"))


def _signature(one: Input, given: dict[str, Any]) -> Markup:
    name = name_typed(one.typed)
    drawn = {"type": "hidden", "value": one.text if name is None else "", "data-signature": f"{WIDTH} {HEIGHT}"}
    attributes = _attributes(one, "tt-signature", drawn | given)
    typed = Markup('<div class="tt-field"><label class="form-label" for="%s">%s</label><input %s>%s</div>') % (
        f"{one.id}-name", _("Type your full name to sign"),
        _html(id=f"{one.id}-name", name=f"{one.name}.{NAME_PART}", type="text", autocomplete="name", value=name or "",
              **{"class": "form-control is-invalid" if one.is_wrong else "form-control"}),
        Markup('<p class="tt-help">%s</p>') % _("The name you type here counts as your signature."),
    )  # fmt: skip
    # Where scripts run one draws; a name that was typed before stays there to be read and changed.
    return Markup("<input %s>%s") % (
        _html(**attributes),
        Markup("<noscript>%s</noscript>") % typed if name is None else typed,
    )


def _told(one: Input, given: dict[str, Any]) -> Markup:
    value = one.one.type.worked_out(one.one.spec, one.context) if one.one.type.is_worked_out else None
    text = "—" if value is None else one.one.type.show(value, one.one.spec, one.context)
    attributes = _attributes(one, "tt-locked tt-value", given)
    name = attributes.pop("name")
    return Markup("<output %s>%s</output>") % (_html(**attributes, **{"data-worked-out": name}), text)


_DRAW: Mapping[str, Callable[[Input, dict[str, Any]], Markup]] = {
    "line": _line, "area": _area, "buttons": _buttons, "list": _list, "checks": _checks, "scale": _scale,
    "lookup": _lookup, "address": _address, "rows": _rows, "files": _files, "signature": _signature, "told": _told,
}  # fmt: skip
