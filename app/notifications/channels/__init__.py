"""How does a message leave the house? One module per channel; of a failure each says whether to try again."""

from __future__ import annotations


class DeliveryError(Exception):
    """The message did not go out. The text is for the admin who looks at the mail.

    permanent: it never will. unreachable: nobody there to take it, or anything else; the message is not to blame.
    answered: False when the other side fell silent over this very message, and it is open whose fault that is.
    taken_perhaps: it fell silent after it had the whole text, so that trying again may bring a second copy.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool = False,
        unreachable: bool = False,
        answered: bool = True,
        taken_perhaps: bool = False,
    ) -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.unreachable = unreachable
        self.answered = answered
        self.taken_perhaps = taken_perhaps
