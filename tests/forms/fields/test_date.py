from __future__ import annotations

from tests.forms.examples import Examples, read, told

EXAMPLES = Examples(
    "date",
    right=(
        ("22/11/2026", "2026-11-22", "22/11/2026"),
        ("1/2/2026", "2026-02-01", "01/02/2026"),
        ("2026-11-22", "2026-11-22", "22/11/2026"),
        ("29/02/2028", "2028-02-29", "29/02/2028"),
    ),
    wrong=("31/02/2026", "2026-02-30", "11/22/2026", "22/11/026", "00/01/2026", "20261122", 20261122,
           "2026-11-22T10:00:00", "01/01/0001", "31/12/9999", "hôm nay"),
)  # fmt: skip


def test_limits_belong_to_what_is_allowed():
    settings = {"min": "2026-01-01", "max": "2026-12-31"}
    assert read("date", "01/01/2026", **settings).problems == read("date", "31/12/2026", **settings).problems == ()
    assert "01/01/2026" in told("date", "31/12/2025", **settings)
    assert "31/12/2026" in told("date", "01/01/2027", **settings)


def test_a_birthday_has_been():
    assert read("date", "01/02/90", maps_to="birthday").value == "1990-02-01"
    assert read("date", "01/02/2190").value == "2190-02-01"
    assert "future" in told("date", "01/02/2190", maps_to="birthday")
