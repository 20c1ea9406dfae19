"""flask backup and flask restore."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.engine import make_url

from app.core import clock
from app.core.backup.archive import FILES, make_backup
from app.core.backup.place import BACKUPS, BackupError, Place
from app.core.backup.restoring import restore_backup
from app.core.i18n import _


def _this_place() -> Place:
    config = current_app.config
    return Place(
        data=Path(config["DATA_FOLDER"]),
        database=make_url(config["SQLALCHEMY_DATABASE_URI"]),
        migrations=Path(config["MIGRATIONS_FOLDER"]),
        version=config["VERSION"],
    )


def _default_target(data: Path, at: datetime) -> Path:
    return data / BACKUPS / f"tantam-{at:%Y%m%d-%H%M%S}.tar"


@click.command("backup")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
def backup_command(file: Path | None) -> None:
    """Keep the database, the files and the keys in one archive, while everybody goes on working."""
    place = _this_place()
    target = file or _default_target(place.data, clock.now())
    try:
        manifest = make_backup(place, target)
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    size = target.stat().st_size / (1 << 20)
    click.echo(
        _("Kept in %(file)s: %(files)d files, %(size).1f MB.", file=target, files=len(manifest.members), size=size)
    )
    if FILES + "secret-key" not in manifest.members:
        click.echo(_("The secret key is not in it: keep TANTAM_SECRET_KEY in a safe place too."))


@click.command("restore")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Replace the present data without asking.")
@with_appcontext
def restore_command(file: Path, *, yes: bool) -> None:
    """Replace the present data by those of a backup; the replaced data are kept aside."""
    if not yes and not click.confirm(str(_("The present data will be replaced by this backup. Go on?"))):
        raise click.Abort
    from app.core.db import db

    for engine in db.engines.values():
        engine.dispose()
    try:
        manifest, aside = restore_backup(_this_place(), file)
    except BackupError as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        _("Restored the backup of %(at)s, version %(version)s.", at=manifest.created_at, version=manifest.version)
    )
    click.echo(_("The replaced data lie in %(folder)s.", folder=aside))
    click.echo(_("Now run: flask db upgrade"))
