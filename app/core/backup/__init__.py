"""How is everything kept and brought back? One archive: database, files and keys, checked before it counts.

The archive is a tar: `database` (a SQLite file or the SQL of pg_dump), `files/…` (the data folder), and as its last
member `manifest.json`, which names the version, the schema revision and size and SHA-256 of every other member.
"""

from __future__ import annotations

from app.core.backup.archive import Manifest, make_backup
from app.core.backup.place import BackupError, Place, in_use
from app.core.backup.restoring import restore_backup

__all__ = ["BackupError", "Manifest", "Place", "in_use", "make_backup", "restore_backup"]
