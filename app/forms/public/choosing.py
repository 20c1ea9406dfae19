"""/phieu-ngoai/<number>/nhan: whose are the answers that came in? Asked where several have the same number."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy.orm import Session

from app.core import edge, links
from app.core.access import Actor, get_visible
from app.core.db import db, row_id
from app.core.errors import BusinessError, InvalidInputError, NotFoundError, Sentence
from app.core.i18n import _
from app.core.pages import Page, done, page, refused_onto, show, trail
from app.customers.duplicates.hard import HardField
from app.forms import queries
from app.forms.public import rules, services
from app.forms.public.models import EntryState, PublicEntry
from app.forms.public.screens import CHOOSE, PATH, answers_of
from app.forms.public.services import Whom
from app.forms.rules import Answers, sentences_of

_FOUND_BY = {HardField.phone: _("Phone number"), HardField.email: _("E-mail"), HardField.tax_code: _("Tax code")}
#: in place of a name that the reader may not see
_HIDDEN = "•••"


class EntryPages(Page):
    """What is done with what came in, besides its buttons."""

    resource = "PublicEntry"
    route_base = PATH
    default_view = "choose"

    @page(f"/<entry_id>/{CHOOSE}", "GET", "POST", right="approve")
    def choose(self, entry_id: str) -> Any:
        """Take it in for one of those who have that number, for a new customer, or for nobody."""
        session, who = db.session(), edge.actor()
        entry = get_visible(session, PublicEntry, row_id(entry_id), who, "approve")
        here = f"{PATH}/show/{entry.id}"
        if entry.state is not EntryState.held:
            return refused_onto(here, services.NotWaitingError())
        if request.method == "GET":
            return _page(session, entry, who)
        said = request.form.get("whom", "")
        try:
            with edge.transaction() as inside:
                get_visible(inside, PublicEntry, entry.id, who, "approve")
                number = services.accept(inside, entry.id, by=who, chosen=read(said)).id
        except InvalidInputError as error:
            told = " ".join(sentences_of(queries.definition_of(entry.version), error))
            return _page(db.session(), entry, who, said=said, told=told, status=422)
        except services.NotWaitingError as error:
            return refused_onto(here, error)
        except NotFoundError:
            told = _("This customer is not there.")
            return _page(db.session(), entry, who, said=said, told=told, status=422)
        except BusinessError as error:
            return _page(db.session(), entry, who, said=said, told=error.message, status=error.status)
        return done(links.submission_path(number), _("Taken in."))


def read(said: str) -> int | Whom:
    """A customer's number, "new" or "nobody". Raises InvalidInputError beside "whom"."""
    if said in list(Whom):
        return Whom(said)
    if said.isascii() and said.isdigit() and len(said) <= 10:
        return row_id(said)
    raise InvalidInputError(fields={"whom": [_("Choose whose answers these are.")]})


def _page(
    session: Session, entry: PublicEntry, who: Actor, *, said: str = "", told: Sentence = "", status: int = 200
) -> Any:
    found, others = services.candidates(session, entry, who)
    definition = queries.definition_of(entry.version)
    person = rules.person_in(definition, Answers(entry.answers))
    told_person = rules.person_in(definition, Answers(queries.answers_as_read(entry.version, entry.answers, who)))
    return show(
        "forms/public/choose.html", status, entry=entry, told=told, others=others,
        answers=answers_of(entry, queries.context_for(session, who)),
        # Where there is nobody to choose from it is chosen already.
        said=said or ("" if found or person.can_be_made else Whom.nobody.value),
        found=[
            {
                "id": one.customer.id, "name": one.customer.name, "code": one.customer.code,
                "url": links.customer_path(one.customer.id), "is_archived": one.customer.is_archived,
                "found_by": ", ".join(str(_FOUND_BY[HardField(field)]) for field in one.found_by),
            }
            for one in found
        ],
        new_name=str(told_person.values.get("name", _HIDDEN)) if person.can_be_made else "",
        back=f"{PATH}/show/{entry.id}?tab=tra-loi",
        crumbs=trail(
            (_("Answers from outside"), f"{PATH}/list/"), (str(entry), f"{PATH}/show/{entry.id}"),
            here=_("Take in for a customer"),
        ),
    )  # fmt: skip
