"""Do the scripts of forms do what their page needs? Node runs them as they are."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

from app.forms.fields.time import read_time
from tests.forms.examples import CONTEXT, read
from tools.translations import ROOT

_SCRIPTS = (ROOT / "assets/js").as_uri()


def node(script: str, given: Any = None) -> Any:
    """What it prints, as JSON; `given` is its `given`, `at` the folder of the scripts."""
    begin = f"const at = {json.dumps(_SCRIPTS)}; const given = {json.dumps(given)};"
    command = [sys.executable, str(ROOT / "tools" / "node.py"), "node", "--input-type=module", "-e", begin + script]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def test_moments_are_read_in_the_zone_of_whoever_types_as_the_server_reads_them():
    zones = ("Asia/Ho_Chi_Minh", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC")
    days = ("2026-11-22", "2026-06-30", "2026-03-29", "2026-10-25", "2026-11-01", "2026-01-01")
    asked = [(day, clock, zone) for zone in zones for day in days for clock in ("00:30", "01:30", "02:30", "20:00")]
    wanted = [read("date_time", f"{day}T{clock}", replace(CONTEXT, time_zone=zone)).value for day, clock, zone in asked]
    told = node(
        "const { momentIn } = await import(`${at}/clock.js`);"
        "console.log(JSON.stringify(given.map((one) => momentIn(...one))))", asked
    )  # fmt: skip
    assert told == wanted


def test_times_are_read_as_the_server_reads_them():
    typed = ["8h", "14.30", "1430", "8:05", "8 h 05", "24:00", "8:60", "830", "tám giờ"]
    script = "const { time } = await import(`${at}/clock.js`); console.log(JSON.stringify(given.map(time)))"
    assert node(script, typed) == [read_time(one) for one in typed]


def test_a_drawing_that_is_replaced_is_taken_up_anew_by_what_shows_it():
    told = node(
        """
        const { Drawing } = await import(`${at}/draw/model.js`);
        const drawing = new Drawing({ name: "x", fields: [{ key: "a", type: "text", label: "A" }] });
        const told = [];
        drawing.addEventListener("change", ({ detail }) => told.push(detail.isTravel));
        drawing.set("t", drawing.fields[0], "label", "B");
        drawing.replace("t", { name: "x", fields: [] });
        console.log(JSON.stringify(told));
        """
    )
    assert told == [False, True]


def test_a_conflict_is_told_though_the_difference_does_not_get_through():
    told = node(
        """
        globalThis.addEventListener = () => {};
        globalThis.document = { documentElement: { lang: "vi" }, querySelector: () => null, cookie: "" };
        const { Saving } = await import(`${at}/draw/saving.js`);
        const { Drawing } = await import(`${at}/draw/model.js`);
        const told = [];
        const drawing = new Drawing({ name: "x", fields: [] });
        const saving = new Saving(drawing, { code: "x", rev: 1, theirs: "/x" });
        saving.send = async (path, method, sent) => {
          if (sent.base) throw new TypeError();
          return { status: 409, body: { by: "Hoa", at: "2026-11-23", message: "m" } };
        };
        saving.addEventListener("state", ({ detail }) => told.push([detail.state, detail.by ?? null]));
        drawing.rename("t", "y");
        await saving.now();
        console.log(JSON.stringify(told));
        process.exit(0);
        """
    )
    assert told[-1] == ["conflict", "Hoa"]
