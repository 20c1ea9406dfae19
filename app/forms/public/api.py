"""Public forms for programs: how a form is open to everybody, what came in, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from app.core import edge, links
from app.core.access import get_visible, visible
from app.core.api import Api, listing, moment, not_here, state_is, usernames, verb
from app.core.db import db
from app.core.errors import InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.schema import list_of, maybe, one_of, record, text, whole_number
from app.forms import queries as forms
from app.forms.models import Form, FormVersion
from app.forms.public import queries, services
from app.forms.public.models import EntryState, PublicEntry, PublicLink
from app.forms.public.rules import MOST_SITES
from app.forms.public.services import LONGEST_THANKS, Whom
from app.security.models import Team

_SETTINGS = record(
    source=maybe(text(40)), team_id=maybe(whole_number()), thanks=text(LONGEST_THANKS),
    sites=list_of(text(300), most=MOST_SITES),
)  # fmt: skip
_ORDERS = {"id": PublicEntry.id}
_QUERY = listing(_ORDERS, state="received, held, taken or refused", form="form code")
_WHOM = record(customer_id=whole_number(), whom=one_of(list(Whom)))


class PublicLinkApi(Api):
    """The door of a form, by the form's code."""

    resource_name = "public-links"
    resource = "Form"

    @verb("/<code>", "GET", "How the form is open to everybody", right="approve")
    def get(self, code: str) -> dict[str, Any]:
        session = db.session()
        link = queries.link_of(session, _form(session, code))
        if link is None:
            raise NotFoundError
        return _told_link(link)

    @verb("/<code>", "PUT", "Set channel, team, thanks and sites; what is left out stays", right="approve",
          body=_SETTINGS)  # fmt: skip
    def put(self, code: str) -> dict[str, Any]:
        body, who = self.read(), edge.actor()

        def change(session: Session) -> dict[str, Any]:
            form = _form(session, code)
            link = queries.link_of(session, form)
            team_id = body.get("team_id", link.team_id if link else None)
            try:
                team = get_visible(session, Team, team_id, who) if team_id is not None else None
            except NotFoundError:
                raise not_here("team_id", _("This team is not there.")) from None
            return _told_link(services.set_link(
                session, form, by=who, source=body.get("source", link.source if link else "website"), team=team,
                thanks=body.get("thanks", link.thanks if link else ""),
                sites="\n".join(body.get("sites", link.sites if link else ())),
            ))  # fmt: skip

        return self.write(change)

    @verb("/<code>/open", "POST", "From now on everybody who has the address answers", right="approve")
    def open(self, code: str) -> dict[str, Any]:
        return self._do(code, services.open_link)

    @verb("/<code>/close", "POST", "Nobody answers any more; what came in stays", right="approve")
    def close(self, code: str) -> dict[str, Any]:
        return self._do(code, services.close_link)

    @verb("/<code>/renew", "POST", "A new address; the old one leads nowhere", right="approve")
    def renew(self, code: str) -> dict[str, Any]:
        return self._do(code, services.renew_link)

    def _do(self, code: str, done: Callable[..., PublicLink | None]) -> dict[str, Any]:
        def change(session: Session) -> dict[str, Any]:
            link = done(session, _form(session, code), by=edge.actor())
            if link is None:
                raise NotFoundError
            return _told_link(link)

        return self.write(change)


class PublicEntryApi(Api):
    """What came in from outside, as far as the actor may see it."""

    resource_name = "public-entries"
    resource = "PublicEntry"

    @verb("/", "GET", "What came in through public forms", query=_QUERY)
    def index(self) -> dict[str, Any]:
        rows = select(PublicEntry).where(visible(PublicEntry, edge.actor()))
        filters = {"state": state_is(PublicEntry.state, EntryState), "form": _of_form}
        return self.page(
            rows, show_all=_told_entries, orders=_ORDERS, default_order="-id", filters=filters, key=PublicEntry.id,
            load=(joinedload(PublicEntry.version).joinedload(FormVersion.form),),
        )  # fmt: skip

    @verb("/<id>", "GET", "One of them")
    def get(self, id: str) -> dict[str, Any]:
        return _told_entries([get_visible(db.session(), PublicEntry, self.id(id), edge.actor())])[0]

    @verb("/<id>/accept", "POST", "It becomes a submission: of whoever it names, or of the customer that is said",
          right="approve", body=_WHOM)  # fmt: skip
    def accept(self, id: str) -> dict[str, Any]:
        body = self.read()
        if len(body) > 1:
            raise InvalidInputError(fields={"whom": [_("Either a customer or one of these words, please.")]})
        chosen = Whom(body["whom"]) if "whom" in body else body.get("customer_id")

        def accept(session: Session, number: int) -> None:
            try:
                services.accept(session, number, by=edge.actor(), chosen=chosen)
            except NotFoundError:
                raise not_here("customer_id", _("This customer is not there.")) from None

        return self._decide(id, accept)

    @verb("/<id>/refuse", "POST", "It becomes no submission, and is gone for good after 30 days", right="approve")
    def refuse(self, id: str) -> dict[str, Any]:
        return self._decide(id, lambda session, number: services.refuse(session, number, by=edge.actor()))

    @verb("/<id>/put-back", "POST", "What was refused waits to be looked at again", right="approve")
    def put_back(self, id: str) -> dict[str, Any]:
        return self._decide(id, lambda session, number: services.put_back(session, number, by=edge.actor()))

    def _decide(self, id: str, done: Callable[[Session, int], object]) -> dict[str, Any]:
        number = self.id(id)

        def change(session: Session) -> dict[str, Any]:
            entry = get_visible(session, PublicEntry, number, edge.actor(), "approve")
            done(session, entry.id)
            return _told_entries([entry])[0]

        return self.write(change)


def _form(session: Session, code: str) -> Form:
    return forms.form_for(session, code, edge.actor(), "approve")


def _of_form(rows: Select[Any], code: str) -> Select[Any]:
    versions = select(FormVersion.id).join(Form, Form.id == FormVersion.form_id).where(Form.code == code)
    return rows.where(PublicEntry.form_version_id.in_(versions))


def _told_link(link: PublicLink) -> dict[str, Any]:
    return {
        "form": link.form.code,
        "is_open": link.is_open,
        "address": links.absolute(f"/f/{link.key}"),
        "source": link.source,
        "team_id": link.team_id,
        "thanks": link.thanks,
        "sites": list(link.sites),
        "opened_at": moment(link.opened_at),
    }


def _told_entries(found: Sequence[PublicEntry]) -> list[dict[str, Any]]:
    names = usernames(one.decided_by_id for one in found)
    return [
        {
            "id": one.id,
            "form": one.version.form.code,
            "version": one.version.number,
            "edition": one.version.edition,
            "state": str(one.state),
            "reasons": list(one.reasons),
            "answers": forms.answers_as_read(one.version, one.answers, edge.actor()),
            "campaign": one.campaign,
            "medium": one.medium,
            "came_from": one.came_from,
            "seconds": one.seconds,
            "submission_id": one.submission_id,
            "decided_by": names.get(one.decided_by_id),
            "created_at": moment(one.created_at),
        }
        for one in found
    ]
