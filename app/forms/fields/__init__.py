"""Which kinds of field are there? Every file in this folder that holds a FieldType adds one."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Mapping
from importlib import import_module

from app.forms.fields.base import FieldType


def _found() -> dict[str, FieldType]:
    types: dict[str, FieldType] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        for kind in vars(import_module(module.name)).values():
            if inspect.isclass(kind) and issubclass(kind, FieldType) and kind.__module__ == module.name != _BASE:
                if kind.code in types:
                    raise RuntimeError(f"two field types are called {kind.code}")
                types[kind.code] = kind()
    return types


_BASE = FieldType.__module__
#: code → the type; there is one object of each
TYPES: Mapping[str, FieldType] = _found()
