"""How do Vietnamese people type, search and sort names, and write phone numbers? Pure functions."""

from app.core.vietnamese.keyboard import as_typed
from app.core.vietnamese.names import MARKED, PLAIN, SORT_KEY_LENGTH, alike, fold, plain_letters, sort_key
from app.core.vietnamese.phones import MOBILE_RENUMBERING_2018, phone_e164, show_phone

__all__ = [
    "MARKED",
    "MOBILE_RENUMBERING_2018",
    "PLAIN",
    "SORT_KEY_LENGTH",
    "alike",
    "as_typed",
    "fold",
    "phone_e164",
    "plain_letters",
    "show_phone",
    "sort_key",
]
