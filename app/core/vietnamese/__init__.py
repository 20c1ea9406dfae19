"""How do Vietnamese people type, search and sort names, and write phone numbers? Pure functions."""

from app.core.vietnamese.keyboard import as_typed
from app.core.vietnamese.names import MARKED, PLAIN, SORT_KEY_LENGTH, alike, fold, plain_letters, sort_key
from app.core.vietnamese.phones import (
    MOBILE_RENUMBERING_2018,
    NUMBER,
    Phone,
    begun_number,
    dialled_at_home,
    phone_e164,
    phone_in,
    phone_tail,
    read_phone,
    show_phone,
    stored_phone,
    without_labels,
)

__all__ = [
    "MARKED",
    "MOBILE_RENUMBERING_2018",
    "NUMBER",
    "PLAIN",
    "SORT_KEY_LENGTH",
    "Phone",
    "alike",
    "as_typed",
    "begun_number",
    "dialled_at_home",
    "fold",
    "phone_e164",
    "phone_in",
    "phone_tail",
    "plain_letters",
    "read_phone",
    "show_phone",
    "sort_key",
    "stored_phone",
    "without_labels",
]
