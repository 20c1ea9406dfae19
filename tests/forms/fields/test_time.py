from __future__ import annotations

from tests.forms.examples import Examples, read, told

EXAMPLES = Examples(
    "time",
    right=(
        ("14:30", "14:30", "14:30"),
        ("8h", "08:00", "08:00"),
        ("8h05", "08:05", "08:05"),
        ("1430", "14:30", "14:30"),
        ("9 g 15", "09:15", "09:15"),
    ),
    wrong=("24:00", "12:60", "14", "abc", "14:3", 1430, "-1:00", "14:30:00"),
)  # fmt: skip


def test_limits_belong_to_what_is_allowed():
    assert read("time", "08:30", min="08:30", max="17:00").value == "08:30"
    assert "17:00" in told("time", "17:01", min="08:30", max="17:00")
