"""How is a condition refused? With one sentence, and the place in the text where reading stopped."""

from __future__ import annotations

from app.core.errors import BusinessError, Sentence
from app.core.i18n import _


class ConditionError(BusinessError):
    """The condition cannot be understood or is too big.

    `position` counts characters from 0 in the typed text (after Unicode NFC); None when the condition came as JSON.
    """

    code = "condition"
    message = _("The condition could not be understood.")

    def __init__(self, message: Sentence, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position
