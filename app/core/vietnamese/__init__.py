"""How do Vietnamese people type, search and sort names, and write phone numbers? Pure functions."""

from app.core.vietnamese.keyboard import as_typed
from app.core.vietnamese.names import SORT_KEY_LENGTH, fold, sort_key
from app.core.vietnamese.phones import MOBILE_RENUMBERING_2018, phone_e164, show_phone

__all__ = [
    "MOBILE_RENUMBERING_2018",
    "SORT_KEY_LENGTH",
    "as_typed",
    "fold",
    "phone_e164",
    "show_phone",
    "sort_key",
]
