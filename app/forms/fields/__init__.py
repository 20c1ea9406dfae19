"""Which kinds of field are there? Every file in this folder that holds a FieldType adds one."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module

from app.forms.fields.base import TYPES, FieldType


def _find() -> None:
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        for kind in vars(import_module(module.name)).values():
            if inspect.isclass(kind) and issubclass(kind, FieldType) and kind.__module__ == module.name != _BASE:
                if kind.code in TYPES:
                    raise RuntimeError(f"two field types are called {kind.code}")
                TYPES[kind.code] = kind()


_BASE = FieldType.__module__
_find()

__all__ = ["TYPES"]
