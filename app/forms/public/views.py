"""/bieu-mau/<code>/cong-khai: a form is opened to everybody, its address and its code to be scanned are handed out."""

from __future__ import annotations

import io
from typing import Any

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogues.queries import offered
from app.core import edge, links
from app.core.access import Actor, get_visible, visible
from app.core.db import db, row_id
from app.core.errors import BusinessError, InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.pages import Page, done, page, refused_onto, show, trail
from app.customers.models import SOURCES
from app.forms.models import Form, FormPurpose
from app.forms.public import queries, rules, services
from app.forms.public.dialogs import LinkDialog
from app.forms.public.models import EntryState, PublicLink
from app.forms.queries import definition_of, form_for, may_with, published_version
from app.forms.versions.parts import FormPart
from app.security.models import Team

PUBLIC = "cong-khai"
#: pixels of one module of the code as a picture
_SCALE = 12


class PublicPart(FormPart):
    """The form's door to everybody, as a tab on its page."""

    key = PUBLIC
    label = _("Public form")
    template = "forms/public/_link.html"

    def context(self, session: Session, resource: str, record_id: int, who: Actor) -> dict[str, Any]:
        form = get_visible(session, Form, record_id, who)
        link = queries.link_of(session, form)
        counts = queries.counts_of(session, link) if link else {}
        path = f"/bieu-mau/{form.code}/{PUBLIC}"
        version = published_version(session, form.code)
        return {
            "form_name": form.name, "link": link, "is_open": link is not None and link.is_open,
            "address": links.absolute(f"/f/{link.key}") if link else "",
            "snippet": _snippet(link, form) if link and link.sites else "",
            "taken": counts.get(EntryState.taken, 0), "held": counts.get(EntryState.held, 0),
            "entries_url": "/phieu-ngoai/list/" if who.may("view", "PublicEntry") else "",
            "may_change": who.is_himself and may_with(session, form, who, "approve") and form.archived_at is None,
            "path": path, "is_own": form.purpose is FormPurpose.customers,
            "has_version": version is not None,
            "knows_nobody": version is not None and not rules.asks_who(definition_of(version)),
        }  # fmt: skip


class LinkPages(Page):
    """What is done with the door of a form."""

    resource = "Form"
    route_base = "/bieu-mau"
    default_view = "settings"

    @page(f"/<code>/{PUBLIC}", "GET", "POST", right="approve")
    def settings(self, code: str) -> Any:
        session, who = db.session(), edge.actor()
        form = _form(session, code, who)
        link = queries.link_of(session, form)
        dialog = _dialog(session, link, who)
        if not dialog.is_submitted():
            return _settings(form, dialog)
        try:
            with edge.transaction() as inside:
                team = row_id(dialog.team.data) if dialog.team.data else None
                present = link.team if link else None
                is_present = present is not None and team == present.id
                services.set_link(
                    inside, _form(inside, code, who), by=who, source=dialog.source.data or None,
                    team=present if is_present else get_visible(inside, Team, team, who) if team else None,
                    thanks=dialog.thanks.data or "", sites=dialog.sites.data or "",
                )  # fmt: skip
        except InvalidInputError as error:
            for key, told in error.fields.items():
                dialog[key].errors = [*dialog[key].errors, *map(str, told)]
            return _settings(form, dialog, status=422)
        return done(_tab(form), _("Saved."))

    @page(f"/<code>/{PUBLIC}/<verb>", "POST", right="approve")
    def change(self, code: str, verb: str) -> Any:
        """mo: everybody answers; dong: nobody does; doi: under a new address."""
        verbs = {"mo": services.open_link, "dong": services.close_link, "doi": services.renew_link}
        if verb not in verbs:
            raise NotFoundError
        form = _form(db.session(), code, edge.actor())
        try:
            with edge.transaction() as inside:
                verbs[verb](inside, _form(inside, code, edge.actor()), by=edge.actor())
        except BusinessError as error:
            return refused_onto(_tab(form), error)
        told = {
            "mo": _("The form is open: whoever has the address answers."),
            "dong": _("The form is closed. What came in stays."),
            "doi": _("The form has a new address. The old one leads nowhere."),
        }
        return done(_tab(form), told[verb])

    @page("/<code>/ma-qr.<kind>", right="approve")
    def picture(self, code: str, kind: str) -> Response:
        """The address as a code to be scanned: svg to be printed large, png to be put into a document."""
        session = db.session()
        link = queries.link_of(session, _form(session, code, edge.actor()))
        if link is None or kind not in ("svg", "png"):
            raise NotFoundError
        drawn, file = qr_code(links.absolute(f"/f/{link.key}")), io.BytesIO()
        drawn.save(file, kind=kind, scale=_SCALE, border=4)
        kept = {"Content-Disposition": f'inline; filename="{code}.{kind}"', "Cache-Control": "no-store"}
        return Response(file.getvalue(), mimetype="image/png" if kind == "png" else "image/svg+xml", headers=kept)


def qr_code(address: str) -> Any:
    # Loaded when it is needed.
    import segno

    return segno.make(address, error="m", micro=False)


def _snippet(link: PublicLink, form: Form) -> str:
    """To be pasted into a page of the company's site."""
    address = links.absolute(f"/f/{link.key}/nhung")
    name = form.name.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'<iframe src="{address}" title="{name}" width="100%" height="760" style="border:0" loading="lazy"></iframe>'


def _form(session: Session, code: str, who: Actor) -> Form:
    return form_for(session, code, who, "approve")


def _dialog(session: Session, link: PublicLink | None, who: Actor) -> LinkDialog:
    dialog = LinkDialog()
    present = link.source if link else None
    dialog.source.choices = [("", "—"), *offered(session, SOURCES, present)]
    teams = select(Team.id, Team.name).where(visible(Team, who), Team.archived_at.is_(None)).order_by(Team.sort_key)
    own = {str(link.team.id): link.team.name} if link and link.team else {}
    live = {str(one.id): one.name for one in session.execute(teams)}
    # The one that it has stays to be chosen: who changes the thanks does not take its team away.
    dialog.team.choices = [("", "—"), *(own | live).items()]
    if not dialog.is_submitted():
        dialog.source.data = link.source if link else "website"
        dialog.team.data = str(link.team_id or "") if link else ""
        dialog.thanks.data = link.thanks if link else ""
        dialog.sites.data = "\n".join(link.sites) if link else ""
    return dialog


def _tab(form: Form) -> str:
    return f"{links.form_path(form.id)}?tab={PUBLIC}"


def _settings(form: Form, dialog: LinkDialog, *, status: int = 200) -> Any:
    crumbs = trail((_("Forms"), "/bieu-mau/list/"), (form.name, _tab(form)), here=_("Public form"))
    return show("forms/public/settings.html", status, source=form, form=dialog, back_url=_tab(form), crumbs=crumbs)
