"""Does the browser come to the same as the server? Node runs assets/js/evaluate.js on trees that Python parsed."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.core import clock
from app.core.access import FieldRight
from app.core.conditions import parse
from app.forms import formula, logic, rules
from app.forms.fields.base import Context
from tools.translations import ROOT

VECTORS = Path(__file__).parents[1] / "vectors"
#: all of them are read on this day
TODAY, NOON = "2026-11-22", datetime(2026, 11, 22, 5, tzinfo=UTC)

_RUN = """
import { readFileSync } from "node:fs";
const { holds, result, settled } = await import(process.argv[1]);
const { conditions, formulas, forms } = JSON.parse(readFileSync(0, "utf8"));
const isNumber = (found) => found !== null && typeof found === "object" && !Array.isArray(found);
const plain = (found) => (isNumber(found) ? { number: String(found) } : Array.isArray(found) ? { list: found.length } : { is: found });
console.log(JSON.stringify({
  conditions: conditions.map(([tree, data, asked]) => holds(tree, data, asked)),
  formulas: formulas.map(([tree, answers, asked]) => plain(result(tree, answers, asked))),
  forms: forms.map(([{ fields, today, me }, given]) => settled(fields, given, { today, me })),
}));
"""  # noqa: E501


def vectors(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def in_node(**sent: list[Any]) -> dict[str, list[Any]]:
    command = [sys.executable, str(ROOT / "tools" / "node.py"), "node", "--input-type=module", "-e", _RUN,
               (ROOT / "assets/js/evaluate.js").as_uri()]  # fmt: skip
    asked = json.dumps({"conditions": [], "formulas": [], "forms": [], **sent})
    told = subprocess.run(command, input=asked, capture_output=True, text=True, check=False, cwd=ROOT)
    assert told.returncode == 0, told.stderr
    found: dict[str, list[Any]] = json.loads(told.stdout)
    return found


@pytest.fixture(autouse=True)
def _on_that_day():
    with clock.at(NOON):
        yield


def test_conditions_hold_in_the_browser_as_on_the_server():
    known = vectors("conditions")
    asked = {"today": known["today"]}
    told = in_node(conditions=[[parse(one["text"]).to_json(), one["data"], asked] for one in known["vectors"]])
    pairs = zip(known["vectors"], told["conditions"], strict=True)
    assert [one["text"] for one, found in pairs if found is not one["holds"]] == []


def _as_told(found: formula.Result) -> dict[str, Any]:
    if isinstance(found, Decimal):
        return {"number": found}
    return {"list": len(found)} if isinstance(found, list) else {"is": found}


def _read(one: dict[str, Any]) -> dict[str, Any]:
    return {name: Decimal(value) if name == "number" else value for name, value in one.items() if name != "text"}


def test_formulas_come_to_the_same_on_the_server_and_in_the_browser():
    known = vectors("formulas")
    answers, wanted = known["answers"], [_read(one) for one in known["vectors"]]
    read = [formula.read(one["text"]) for one in known["vectors"]]
    assert [_as_told(one.result(answers)) for one in read] == wanted
    told = in_node(formulas=[[formula.to_json(one.tree), answers, {"today": TODAY}] for one in read])
    assert [_read(one) for one in told["formulas"]] == wanted


def test_a_form_is_asked_and_worked_out_on_the_server_and_in_the_browser_alike():
    known = vectors("forms")
    sent, wanted = [], []
    for form in known:
        assert rules.check_definition(form["definition"]) == []
        definition = rules.read_definition(form["definition"])
        told = logic.for_browser(definition.ordered, rules.begun(definition, Context()), Context(me=form.get("me")))
        for one in form["vectors"]:
            found = rules.read_answers(
                definition, {**dict.fromkeys(definition.keys), **one["given"]}, context=Context(me=form.get("me")),
                is_page=True,
            )  # fmt: skip
            states = {
                key: [name for name in ("shown", "required", "locked") if getattr(state, f"is_{name}")]
                for key, state in found.states.items()
            }  # fmt: skip
            assert {"values": found.values, "states": states} == {"values": one["values"], "states": one["states"]}
            sent.append([told, one["given"]])
            wanted.append(one)
    for one, found in zip(wanted, in_node(forms=sent)["forms"], strict=True):
        assert found["values"] == {key: value for key, value in one["values"].items() if key in found["states"]}
        states = {
            key: [name for name in ("shown", "required", "locked") if state[name]]
            for key, state in found["states"].items()
        }
        assert states == {key: one["states"][key] for key in states}


TIER = {
    "name": "x", "fields": [
        {"key": "tier", "type": "text", "label": "Hạng", "edit_roles": ["manager"], "default": "silver"},
        {"key": "asked", "type": "text", "label": "Hỏi"},
        {"key": "why", "type": "text", "label": "Vì sao", "required": True,
         "visible_if": parse("tier = 'gold' and asked = 'a'").to_json()},
        {"key": "plan", "type": "choice", "label": "Gói", "options": [
            {"value": "s", "label": "S"}, {"value": "xl", "label": "XL", "if": parse("not tier = 'gold'").to_json()},
        ]},
        {"key": "same", "type": "text", "label": "Giống", "visible_if": parse("asked = [tier]").to_json()},
    ],
}  # fmt: skip


def told_for(form: dict[str, Any], context: Context) -> tuple[rules.Definition, dict[str, Any]]:
    assert rules.check_definition(form) == []
    definition = rules.read_definition(form)
    told = logic.for_browser(definition.ordered, rules.begun(definition, context), context)
    assert told is not None
    return definition, told


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("tier", ["gold", "silver"])
@pytest.mark.parametrize("given", [{"asked": "a"}, {"asked": "gold", "plan": "xl"}, {}])
def test_the_browser_knows_what_others_answered_or_what_follows_from_it(hidden, tier, given):
    fields = [{**TIER["fields"][0], **({"read_roles": ["manager"]} if hidden else {})}, *TIER["fields"][1:]]
    staff = Context(before={"tier": tier}, roles=frozenset({"staff"}))
    definition, told = told_for({**TIER, "fields": fields}, staff)
    assert (tier in json.dumps(told)) is not hidden or tier == "gold"  # the conditions name gold
    ours = rules.read_answers(definition, {**dict.fromkeys(definition.keys), **given}, context=staff, is_page=True)
    [theirs] = in_node(forms=[[told, given]])["forms"]
    for key in ("why", "plan"):
        assert theirs["states"][key]["shown"] is ours.states[key].is_shown
        assert theirs["states"][key]["required"] is ours.states[key].is_required
    assert ("xl" in theirs["states"]["plan"]["offered"]) is (tier != "gold")
    # Where a row compares his answer with one that he may not read, the question stands, and the server decides.
    assert theirs["states"]["same"]["shown"] is (True if hidden else ours.states["same"].is_shown)


@pytest.mark.parametrize("given", [{"a": "x"}, {"a": "z"}])
def test_a_question_for_others_that_is_not_asked_has_no_default(given):
    form = {"name": "x", "fields": [
        {"key": "a", "type": "text", "label": "A"},
        {"key": "b", "type": "text", "label": "B", "default": "dd", "edit_roles": ["manager"],
         "visible_if": parse("a = 'x'").to_json()},
        {"key": "c", "type": "text", "label": "C", "visible_if": parse("b = 'dd'").to_json()},
    ]}  # fmt: skip
    staff = Context(roles=frozenset({"staff"}))
    definition, told = told_for(form, staff)
    ours = rules.read_answers(definition, given, context=staff)
    assert ours.values == ({"a": "x", "b": "dd"} if given["a"] == "x" else {"a": "z"})
    [theirs] = in_node(forms=[[told, given]])["forms"]
    assert theirs["states"]["c"]["shown"] is ours.states["c"].is_shown is (given["a"] == "x")


GROUPS = [{"value": value, "label": value.upper()} for value in ("a", "b")]
KEPT = {"read_roles": ["Manager"], "edit_roles": ["Manager"]}
HELD = {
    "name": "x", "fields": [
        {"key": "group", "type": "choice", "label": "Nhóm", "options": GROUPS, **KEPT},
        {"key": "fine", "type": "dependent_choice", "label": "Chi tiết", "depends_on": "group", "required": True,
         "options": [{"value": "a1", "label": "A1", "for": ["a"]}, {"value": "b1", "label": "B1", "for": ["b"]},
                     {"value": "any", "label": "Khác"}]},
        {"key": "cost", "type": "integer", "label": "Giá vốn", **KEPT},
        {"key": "count", "type": "integer", "label": "Số lượng"},
        {"key": "total", "type": "calculated", "label": "Tổng", "formula": "cost * count"},
        {"key": "twice", "type": "calculated", "label": "Gấp đôi", "formula": "total * 2"},
        {"key": "why", "type": "text", "label": "Vì sao", "required": True,
         "visible_if": parse("twice > 200").to_json()},
        {"key": "else", "type": "text", "label": "Không thì", "required": True,
         "visible_if": parse("why empty").to_json()},
        {"key": "way", "type": "choice", "label": "Cách", "options": GROUPS,
         "required_if": parse("count > 1").to_json(), "readonly_if": parse("total > 1000").to_json()},
        {"key": "part", "type": "dependent_choice", "label": "Phần", "depends_on": "way",
         "options": [{"value": "x", "label": "X", "for": ["a"]}, {"value": "y", "label": "Y", "for": ["b"]}]},
    ],
}  # fmt: skip


@pytest.mark.parametrize("group", ["a", "b"])
@pytest.mark.parametrize("given", [{"count": 3}, {"count": 1}, {"count": 900, "way": "b"}])
def test_what_hangs_on_an_answer_that_he_may_not_read_is_offered_and_asked_all_the_same(group, given):
    staff = Context(before={"group": group, "cost": 50, "way": "a"}, roles=frozenset({"Staff"}))
    definition, told = told_for(HELD, staff)
    assert not {"group", "cost"} & {one["key"] for one in told["fields"]}
    given = {"fine": f"{group}1", "why": "w", "part": "x", **given}
    ours = rules.read_answers(definition, {**dict.fromkeys(definition.keys), **given}, context=staff, is_page=True)
    [theirs] = in_node(forms=[[told, given]])["forms"]
    assert theirs["states"]["fine"]["offered"] == [f"{group}1", "any"]
    assert theirs["values"]["fine"] == ours.values["fine"] == f"{group}1"
    # What the server asks for stands there, and what it takes can be chosen.
    for key, state in ours.states.items():
        if key in theirs["states"]:
            assert theirs["states"][key]["shown"] or not state.is_shown, key
            assert state.is_locked or not theirs["states"][key]["locked"], key
    assert "formula" not in next(one for one in told["fields"] if one["key"] == "total")
    if "part" in ours.values:
        assert ours.values["part"] in theirs["states"]["part"]["offered"]


SECRET = {
    "name": "x", "fields": [
        {"key": "count", "type": "integer", "label": "Số lượng"},
        {"key": "total", "type": "calculated", "label": "Tổng", "formula": "count * 10"},
        {"key": "extra", "type": "calculated", "label": "Thêm", "formula": "total + 1", "read_roles": ["Manager"],
         "visible_if": parse("count > 1").to_json()},
        {"key": "why", "type": "text", "label": "Vì sao", "required": True,
         "visible_if": parse("extra > 100").to_json()},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("count", "worked"), [(3, {"total": 30, "extra": 31}), (20, {"total": 200, "extra": 201}), (1, {"total": 10})]
)
@pytest.mark.parametrize("right", [FieldRight.hidden, FieldRight.masked, FieldRight.read_only])
def test_what_follows_from_his_answers_is_worked_out_anew_though_he_may_not_read_or_write_it(count, worked, right):
    before = {"count": 2, "total": 20, "extra": 21}
    if right is FieldRight.hidden:
        form, staff = SECRET, Context(before=before, roles=frozenset({"Staff"}))
    else:
        fields = [{**one, **({"personal_data": "basic"} if one["key"] == "extra" else {})} for one in SECRET["fields"]]
        form = {
            **SECRET,
            "fields": [{name: value for name, value in one.items() if name != "read_roles"} for one in fields],
        }
        staff = Context(before=before, roles=frozenset({"Staff"}), rights={"basic": right})
    definition, told = told_for(form, staff)
    given = {"count": count, "why": "w"}
    sent = {**dict.fromkeys(definition.keys), **given}
    ours = rules.read_answers(definition, sent, context=staff, is_page=True)
    assert {key: ours.values[key] for key in ("total", "extra") if key in ours.values} == worked
    [theirs] = in_node(forms=[[told, given]])["forms"]
    for key, state in ours.states.items():
        if key in theirs["states"]:
            assert theirs["states"][key]["shown"] or not state.is_shown, key
    is_read = right is FieldRight.read_only
    assert (theirs["values"].get("extra") == worked.get("extra")) is is_read or "extra" not in worked
    assert ("extra" in {one["key"] for one in told["fields"]}) is is_read
