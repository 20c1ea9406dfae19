"""What can an operator do from the command line?"""

from __future__ import annotations

from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy import func, select

from app.catalogues.services import ensure_catalogues
from app.core import anchor, chain, clock, links
from app.core.access import SYSTEM
from app.core.backup.commands import backup_command, restore_command
from app.core.db import db, transaction
from app.core.errors import BusinessError
from app.customers.classes.services import ensure_rules
from app.customers.forgotten.services import ensure_targets
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
        ensure_rules(session)
        ensure_targets(session)
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
@click.option("--expect", multiple=True, metavar="HASH", help="A seal that was noted before; it must still be there.")
@click.option("--without-values", is_flag=True, help="After TANTAM_SECRET_KEY was changed: the chain alone.")
@with_appcontext
def audit_verify(expect: tuple[str, ...], without_values: bool) -> None:
    """Check the sealed audit log; names the first changed, missing, reordered or inserted row and fails.

    Prints the hash of the newest seal. Kept elsewhere and given with --expect, it shows whether the end was cut off;
    the worker keeps the last one in the data folder too.
    """
    session = db.session()
    try:
        kept = anchor.kept(Path(current_app.config["DATA_FOLDER"]))
    except anchor.UnreadableError as error:
        raise click.ClickException(str(error)) from error
    noted = {one.strip().lower() for one in expect} | ({kept.hash} if kept else set())
    checked, broken = chain.verify(session, noted=noted, values=not without_values)
    if broken is not None:
        told = f"audit event {broken.event_id}" if broken.event_id else "audit log"
        raise click.ClickException(f"{told}: {broken.what}, {_BROKEN[broken.what]} ({checked} events are intact)")
    late = chain.overdue().subquery()
    first, count = session.execute(select(func.min(late.c.id), func.count()).select_from(late)).one()
    if count:
        raise click.ClickException(
            f"audit event {first}: unsealed, and {count} in all that should be sealed by now: does the worker run, and"
            f" is the clock right? ({checked} sealed audit events are intact)"
        )
    newest = chain.newest_seal(session)
    click.echo(f"{checked} sealed audit events are intact")
    if newest is not None:
        click.echo(f"newest seal, up to event {newest.last_id}: {newest.hash}")


_BROKEN = {
    "changed": "it is not what was sealed",
    "reordered": "it was sealed under another number",
    "missing": "it was sealed and is gone",
    "inserted": "it was not there when its neighbours were sealed",
    "seal": "the seal of its batch does not follow from the one before",
    "value": "a personal value was changed, or taken out without an erasure (or TANTAM_SECRET_KEY is another one)",
    "cut": "a seal that was noted outside of the database is not in the chain that ends here",
}


@click.command("demo")
@with_appcontext
def demo() -> None:
    """Load the demo company into an empty database; a company that is there already is left alone."""
    from app.demo.load import load_demo

    load_demo(current_app)


def register(app: Flask) -> None:
    for command in (init, setup_link, audit_verify, demo, backup_command, restore_command):
        app.cli.add_command(command)
