"""The modules, functions and imports of a repository, as far as syntax tells them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from holdfast.actions.codefix.models import Models, find_models

FunctionKey = tuple[str, str]
"""Path and dotted name; a module's own statements are the function `<module>`."""

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module
MODULE = "<module>"


@dataclass(frozen=True)
class Function:
    """A function with the class and the function that it stands in."""

    key: FunctionKey
    node: FunctionNode
    class_name: str = ""
    parent: FunctionKey | None = None

    @property
    def path(self) -> str:
        """The file it stands in."""
        return self.key[0]

    def parameters(self) -> list[str]:
        """Return the names of its parameters, in order of position."""
        if isinstance(self.node, ast.Module):
            return []
        return [a.arg for a in (*self.node.args.posonlyargs, *self.node.args.args)]

    def decorators(self) -> frozenset[str]:
        """Return the last names of its decorators."""
        if isinstance(self.node, ast.Module):
            return frozenset()
        names = (ast.unparse(d).split("(")[0] for d in self.node.decorator_list)
        return frozenset(name.rsplit(".", 1)[-1] for name in names)

    def covers(self, line: int) -> bool:
        """Whether a line lies in it."""
        if isinstance(self.node, ast.Module):
            return True
        return self.node.lineno <= line <= (self.node.end_lineno or self.node.lineno)


@dataclass
class Module:
    """A file: its tree, its imports (name → module, attribute or '') and its classes."""

    path: str
    source: str
    tree: ast.Module
    imports: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    classes: set[str] = field(default_factory=set[str])


@dataclass
class Program:
    """All that is known of the repository's code."""

    modules: dict[str, Module]
    functions: dict[FunctionKey, Function]
    models: Models

    def module_path(self, dotted: str) -> str | None:
        """Return the file of a module, where exactly one file can be it."""
        stem = dotted.replace(".", "/")
        endings = (f"{stem}.py", f"{stem}/__init__.py")
        found = [p for p in self.modules if any(p == e or p.endswith(f"/{e}") for e in endings)]
        return found[0] if len(found) == 1 else None

    def enclosing(self, path: str, line: int) -> Function | None:
        """Return the innermost function around a line."""
        around = [f for f in self.functions.values() if f.path == path and f.covers(line)]
        return max(around, key=lambda f: getattr(f.node, "lineno", 0), default=None)

    def names_of(self, path: str, name: str) -> tuple[str, str] | None:
        """Return (file, name) of what a name in a file stands for, following imports."""
        for _ in range(5):
            module = self.modules[path]
            if name not in module.imports:
                return path, name
            dotted, attribute = module.imports[name]
            target = self.module_path(dotted)
            if target is None or not attribute:
                return None
            path, name = target, attribute
        return None

    def is_library_name(self, path: str, name: str, library: str) -> bool:
        """Whether a name was imported from a library or from a part of it."""
        dotted = self.modules[path].imports.get(name, ("", ""))[0]
        return dotted.split(".")[0] == library


def read_program(sources: Mapping[str, str]) -> Program:
    """Return the program of these files (path → source). Raises SyntaxError with the file named."""
    modules = {path: _read_module(path, source) for path, source in sources.items()}
    functions = {f.key: f for module in modules.values() for f in _functions(module)}
    models = find_models({path: module.tree for path, module in modules.items()})
    return Program(modules, functions, models)


def _read_module(path: str, source: str) -> Module:
    module = Module(path, source, ast.parse(source, filename=path))
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                module.imports[name] = (alias.name if alias.asname else name, "")
        elif isinstance(node, ast.ImportFrom):
            dotted = _absolute(path, node)
            for alias in node.names:
                module.imports[alias.asname or alias.name] = (dotted, alias.name)
        elif isinstance(node, ast.ClassDef):
            module.classes.add(node.name)
    return module


def _absolute(path: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = path.split("/")[: -node.level]
    return ".".join([*parts, *(node.module or "").split(".")]).strip(".")


def _functions(module: Module) -> Iterator[Function]:
    top = Function((module.path, MODULE), module.tree)
    yield top
    yield from _inside(module.path, module.tree, "", "", None)


def _inside(
    path: str, node: ast.AST, prefix: str, class_name: str, parent: FunctionKey | None
) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            key = (path, f"{prefix}{child.name}")
            yield Function(key, child, class_name, parent)
            yield from _inside(path, child, f"{key[1]}.", "", key)
        elif isinstance(child, ast.ClassDef):
            yield from _inside(path, child, f"{prefix}{child.name}.", child.name, parent)
        else:
            yield from _inside(path, child, prefix, class_name, parent)
