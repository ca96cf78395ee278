"""Which function of the repository a call means, where syntax tells."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from holdfast.actions.codefix.program import Function, FunctionKey, Program
from holdfast.actions.codefix.values import Instance

_CACHES = frozenset({"cache", "lru_cache", "cached", "cached_property", "memoize", "memoise"})


@dataclass(frozen=True)
class Callee:
    """A function. `bound` = the first parameter is the receiver; `makes` = a class is called."""

    key: FunctionKey
    bound: bool = False
    makes: Instance | None = None
    is_cached: bool = False


def find_callee(program: Program, function: Function, called: ast.expr) -> Callee | None:
    """Return the function that an expression names, or None where it is none of the repository."""
    match called:
        case ast.Name(name):
            return _by_name(program, function, name)
        case ast.Attribute(ast.Name("self" | "cls"), method) if function.class_name:
            prefix = function.key[1].rsplit(".", 1)[0]
            return _of(program, (function.path, f"{prefix}.{method}"), bound=True)
        case ast.Attribute(ast.Name(name), attribute):
            return _in_module_or_class(program, function.path, name, attribute)
        case ast.Attribute(ast.Call(ast.Name(name)), method):
            made = _by_name(program, function, name)
            if made is None or made.makes is None:
                return None
            key = (made.makes.path, f"{made.makes.name}.{method}")
            return _of(program, key, bound=True)
        case _:
            return None


def _by_name(program: Program, function: Function, name: str) -> Callee | None:
    scope: FunctionKey | None = function.key
    while scope is not None:
        found = _of(program, (scope[0], f"{scope[1]}.{name}"))
        if found is not None:
            return found
        scope = program.functions[scope].parent
    place = program.names_of(function.path, name)
    if place is None:
        return None
    path, found_name = place
    if found_name in program.modules[path].classes and found_name not in program.models.by_name:
        return Callee((path, found_name), makes=Instance(path, found_name))
    return _of(program, (path, found_name))


def _in_module_or_class(program: Program, path: str, name: str, attribute: str) -> Callee | None:
    dotted, part = program.modules[path].imports.get(name, ("", ""))
    module = program.module_path(f"{dotted}.{part}" if part else dotted) if dotted else None
    if module is not None:
        if attribute in program.modules[module].classes:
            return Callee((module, attribute), makes=Instance(module, attribute))
        return _of(program, (module, attribute))
    place = program.names_of(path, name)
    if place is None or place[1] not in program.modules[place[0]].classes:
        return None
    return _of(program, (place[0], f"{place[1]}.{attribute}"))


def _of(program: Program, key: FunctionKey, *, bound: bool = False) -> Callee | None:
    function = program.functions.get(key)
    if function is None:
        return None
    decorators = function.decorators()
    return Callee(
        key,
        bound=(bound or "classmethod" in decorators) and "staticmethod" not in decorators,
        is_cached=bool(decorators & _CACHES),
    )
