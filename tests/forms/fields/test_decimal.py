from __future__ import annotations

from tests.forms.examples import CONTEXT, Examples, a_field, read, told

EXAMPLES = Examples(
    "decimal",
    right=(
        ("2,4", 2.4, "2,4"),
        ("1.250,5", 1250.5, "1.250,5"),
        ("-0", 0.0, "0"),
        (2.5, 2.5, "2,5"),
        (7, 7.0, "7"),
    ),
    wrong=("abc", "1,250", "2,345", 0.125, 10**15, "1e3", "٣", "2,4,5"),
    is_typed_as_shown=False,
)


def test_what_reads_two_ways_is_asked_for_again_and_more_decimals_are_never_cut_off():
    assert "1.250" in told("decimal", "1,250")
    assert "2" in told("decimal", "0,1256")
    assert read("decimal", "0,1256", decimals=4).value == 0.1256


def test_an_eighth_is_written_so_that_it_is_read_back():
    one = a_field("decimal", decimals=3)
    assert one.type.write(1.125, one.spec, CONTEXT) == "1,1250"


def test_limits_may_have_decimals_too():
    assert read("decimal", "2,5", min=2.5).value == 2.5
    assert "2,5" in told("decimal", "2,4", min=2.5)
