"""How does a message leave the house? One module per channel; of a failure each says whether to try again."""

from __future__ import annotations

from enum import StrEnum, auto


class Fault(StrEnum):
    """What is wrong with the server, or with what we know of it; it decides what people are told to look at."""

    other = auto()
    no_such_name = auto()
    out_of_bounds = auto()
    refused = auto()
    timeout = auto()
    certificate = auto()
    #: we began with TLS, and something else came back
    not_tls = auto()
    #: nothing or nonsense came back in the clear, as from a server that waits for TLS
    no_greeting = auto()
    no_starttls = auto()
    #: it knows no signing in, or not without encryption
    no_login = auto()
    wrong_login = auto()
    #: it hung up, or fell silent, over the user name and the password
    hung_up = auto()
    login_needed = auto()
    sender = auto()
    recipient = auto()
    content = auto()


class DeliveryError(Exception):
    """The message did not go out. The text is for the admin who looks at the mail.

    permanent: it never will. unreachable: nobody there to take it, or anything else; the message is not to blame.
    answered: False when the other side fell silent over this very message, and it is open whose fault that is.
    fault: what to look at first.
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
        fault: Fault = Fault.other,
    ) -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.unreachable = unreachable
        self.answered = answered
        self.taken_perhaps = taken_perhaps
        self.fault = fault
