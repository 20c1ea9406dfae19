"""What can an operator do from the command line?"""

from __future__ import annotations

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from app.catalogues.services import ensure_catalogues
from app.core import audit, clock, links
from app.core.access import SYSTEM
from app.core.backup import backup_command, restore_command
from app.core.db import db, transaction
from app.core.errors import BusinessError
from app.deadlines.queries import find_company_calendar
from app.deadlines.services import create_company_calendar
from app.notifications.services import ensure_templates
from app.security.services import ensure_roles, make_setup_link


def prepare() -> None:
    """Roles, rights, message texts, catalogues, calendar: all that every installation begins with. Idempotent."""
    with transaction(SYSTEM) as session:
        ensure_roles(session)
        ensure_templates(session)
        ensure_catalogues(session)
        if find_company_calendar(session) is None:
            this_year = clock.today("Asia/Ho_Chi_Minh").year
            create_company_calendar(session, by=SYSTEM, years=range(this_year - 1, this_year + 2))


@click.command("init")
@with_appcontext
def init() -> None:
    """After `flask db upgrade`: roles and rights, message texts, catalogues, the company's calendar."""
    prepare()


@click.command("setup-link")
@with_appcontext
def setup_link() -> None:
    """A one-time link with which the first administrator makes the company his own."""
    try:
        with transaction(SYSTEM) as session:
            token = make_setup_link(session)
    except BusinessError:
        return  # the company has its administrator
    click.echo("Mở liên kết này (dùng một lần) để tạo người quản trị đầu tiên của công ty:")
    click.echo(links.absolute(f"/thiet-lap/{token}"))


@click.command("audit-verify")
@with_appcontext
def audit_verify() -> None:
    """Check the sealed audit log; names the first changed, missing or inserted row and fails."""
    checked, broken = audit.verify(db.session())
    if broken is not None:
        raise click.ClickException(
            f"audit event {broken.event_id}: {broken.what} ({checked} events before it are intact)"
        )
    click.echo(f"{checked} sealed audit events are intact")


@click.command("demo")
@with_appcontext
def demo() -> None:
    """Load the demo company into an empty database; a company that is there already is left alone."""
    from app.demo.load import load_demo

    load_demo(current_app)


def register(app: Flask) -> None:
    for command in (init, setup_link, audit_verify, demo, backup_command, restore_command):
        app.cli.add_command(command)
