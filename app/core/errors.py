"""How does the product say no? A few classes, each with a sentence for the person who asked; bugs stay bugs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.i18n import _

# A sentence, translated when it is shown.
Sentence = Any
FieldMessages = Mapping[str, Sequence[Sentence]]


class BusinessError(Exception):
    """A refusal that the product means. `status` is its HTTP status, `code` the stable name that integrations read."""

    status = 422
    code = "refused"
    message: Sentence = _("This cannot be done.")

    def __init__(self, message: Sentence | None = None, *, fields: FieldMessages | None = None, **details: Any) -> None:
        if message is not None:
            self.message = message
        self.fields: FieldMessages = fields or {}
        self.details = details
        super().__init__(message)

    def __str__(self) -> str:
        return str(self.message)


class BadRequestError(BusinessError):
    """The request itself is malformed: not JSON, a page that is no number, an order by a column that is not offered."""

    status = 400
    code = "bad_request"
    message = _("The request could not be understood.")
    #: the argument of the address that is refused; "": none in particular
    about = ""


class NotSignedInError(BusinessError):
    """Nobody is signed in."""

    status = 401
    code = "not_signed_in"
    message = _("Please sign in first.")


class NotAllowedError(BusinessError):
    """Yours to see, but not to do."""

    status = 403
    code = "not_allowed"
    message = _("You do not have the right to do this.")


class NothingTakenError(NotAllowedError):
    """Whatever is sent just now is refused, so that nobody is to blame for it: what was typed is given back."""


class NotFoundError(BusinessError):
    """Not there, or not yours: the two look the same."""

    status = 404
    code = "not_found"
    message = _("This is not here, or you may not see it.")


class ConflictError(BusinessError):
    """Someone was faster. `details` says who and when."""

    status = 409
    code = "conflict"
    message = _("Someone has changed this in the meantime.")


class InvalidInputError(BusinessError):
    """Something typed is wrong; `fields` holds the sentences by field key."""

    code = "invalid"
    message = _("Please check the marked fields.")


class TooManyRequestsError(BusinessError):
    """Asked too often. `details["retry_after"]` is in seconds."""

    status = 429
    code = "too_many_requests"
    message = _("Too many attempts. Please wait a few minutes.")
