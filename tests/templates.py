"""Templates are compiled once a run, for all processes of the tests and for those of the product that they fork."""

from __future__ import annotations

import os
import shutil
import tempfile

from flask import Flask
from jinja2 import FileSystemBytecodeCache

#: the environment variable that names the folder in which they lie compiled, for whoever is started
_COMPILED = "TESTS_COMPILED_TEMPLATES"


def made() -> bool:
    """Is the folder made by this process, which then takes it away in the end?"""
    if _COMPILED in os.environ:
        return False
    os.environ[_COMPILED] = tempfile.mkdtemp(prefix="tantam-templates-")
    return True


def share() -> None:
    """Every application that this process makes from now on keeps them there."""
    Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(os.environ[_COMPILED])}


def take_away() -> None:
    shutil.rmtree(os.environ.pop(_COMPILED), ignore_errors=True)
