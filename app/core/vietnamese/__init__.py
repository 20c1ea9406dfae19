"""How do Vietnamese people write, search, sort and read names, phone numbers, amounts and dates? Pure functions."""

from app.core.vietnamese.dates import format_date, format_datetime, format_time, local, parse_date
from app.core.vietnamese.keyboard import as_typed
from app.core.vietnamese.names import SORT_KEY_LENGTH, fold, sort_key
from app.core.vietnamese.numbers import format_integer, format_money, parse_integer, parse_money
from app.core.vietnamese.phones import MOBILE_RENUMBERING_2018, phone_e164, show_phone

__all__ = [
    "MOBILE_RENUMBERING_2018",
    "SORT_KEY_LENGTH",
    "as_typed",
    "fold",
    "format_date",
    "format_datetime",
    "format_integer",
    "format_money",
    "format_time",
    "local",
    "parse_date",
    "parse_integer",
    "parse_money",
    "phone_e164",
    "show_phone",
    "sort_key",
]
