"""Which fields of a customer lie beside his own row? What was said, bought and proved: a role can hold it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from app.core import guarded
from app.core.access import Actor
from app.core.errors import NotAllowedError
from app.core.guarded import NOT_YOURS, GuardedField
from app.core.i18n import _
from app.core.masking import Mask

RESOURCE = "Customer"
SAID, BOUGHT, PROOF = "said", "bought", "proof"
guarded.declare(RESOURCE, [
    GuardedField(RESOURCE, SAID, _("What was said, written and promised"), Mask.text, is_sensitive=True),
    GuardedField(RESOURCE, BOUGHT, _("Amounts and notes of purchases"), Mask.text, is_sensitive=True),
    GuardedField(RESOURCE, PROOF, _("Proofs of consent"), Mask.text, is_sensitive=True),
])  # fmt: skip


def seen(who: Actor, field: str, value: Any) -> Any:
    """The value as this person reads it: with dots, or None. What is not there stays as it is."""
    return value if value in (None, "") else guarded.seen(who, RESOURCE, field, value)


def answered(who: Actor, row: dict[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    """A row of the interface; `fields`: key of the row → the field that it falls under."""
    if not who.fields:
        return row
    shown = {key: seen(who, fields[key], value) if key in fields else value for key, value in row.items()}
    gone = {key for key, field in fields.items() if shown.get(key) is None and row.get(key) is not None}
    return {key: value for key, value in shown.items() if key not in gone}


def must_write(who: Actor, field: str, *, is_new: bool = False) -> None:
    """Raises NotAllowedError for whoever may not put right what he may not read, or not change; `is_new`: who sees dots
    may write something new all the same."""
    if not who.writes(RESOURCE, field, is_new=is_new):
        raise NotAllowedError(NOT_YOURS)


def right_to(who: Actor, field: str, *, is_new: bool = False) -> Callable[[], None]:
    """must_write, to be asked by `services.lock_for` before anything is told of the customer's state."""
    return partial(must_write, who, field, is_new=is_new)
