"""Writes options and imports into a file's concrete syntax tree; all else stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from holdfast.actions.codefix.loaders import Wanted

_LINE_AT_LEAST, _LINE_AT_MOST = 88, 100
_INDENT = "    "


def edit(source: str, changes: Sequence[Wanted]) -> str:
    """Return the file with these changes. Raises LookupError where a query is not found again.

    That is also so where the file is written in a Python that only the interpreter can parse.
    """
    try:
        wrapper = MetadataWrapper(cst.parse_module(source))
    except cst.ParserSyntaxError as error:
        raise LookupError(f"the file cannot be parsed for editing: {error.message}") from error
    options = _Options(source, changes)
    tree = wrapper.visit(options)
    if options.done != len(changes):
        raise LookupError("a query was not found in the syntax tree")
    for module, name in sorted({pair for change in changes for pair in change.imports}):
        tree = _with_import(tree, module, name)
    return tree.code


class _Options(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, source: str, changes: Sequence[Wanted]) -> None:
        super().__init__()
        self._lines = source.splitlines()
        self._changes = {_span(change): change for change in changes}
        self.done = 0

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        return self._changed(original_node, updated_node)

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        return self._changed(original_node, updated_node)

    def _changed(self, original: cst.CSTNode, updated: cst.BaseExpression) -> cst.BaseExpression:
        place = self.get_metadata(PositionProvider, original)
        assert isinstance(place, CodeRange)
        start, end = place.start, place.end
        change = self._changes.get((start.line, start.column, end.line, end.column))
        if change is None:
            return updated
        self.done += 1
        call = cst.parse_expression(f"_{self._options(change)}")
        assert isinstance(call, cst.Call)
        function = cst.Attribute(value=updated, attr=cst.Name("options"))
        return call.with_changes(func=function)

    def _options(self, change: Wanted) -> str:
        """Return `.options(…)`, on several lines where one would be too long."""
        line = self._lines[change.source.end_line - 1]
        flat = f".options({', '.join(change.options)})"
        longest = max(map(len, self._lines), default=0)
        if len(line) + len(flat) <= min(max(longest, _LINE_AT_LEAST), _LINE_AT_MOST):
            return flat
        indent = len(line) - len(line.lstrip()) - change.source.block_column
        outer = " " * max(0, indent)
        inner = "".join(f"{outer}{_INDENT}{option},\n" for option in change.options)
        return f".options(\n{inner}{outer})"


def _span(change: Wanted) -> tuple[int, int, int, int]:
    source = change.source
    return source.line, source.column, source.end_line, source.end_column


def _with_import(tree: cst.Module, module: str, name: str) -> cst.Module:
    """Return the module with a name imported at its top, beside others of the same module."""
    last_import = same_library = -1
    for index, statement in enumerate(tree.body):
        for small in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            if isinstance(small, cst.ImportFrom) and _module_name(small) == module:
                names = _names(small)
                if names is not None and name in names:
                    return tree
                if names is not None:
                    changed = tree.deep_replace(small, _added(small, name))
                    assert isinstance(changed, cst.Module)
                    return changed
            if isinstance(small, cst.ImportFrom) and _library(small) == module.split(".")[0]:
                same_library = index
            if isinstance(small, cst.Import | cst.ImportFrom):
                last_import = index
    after = same_library if same_library >= 0 else last_import
    return _with_statement(tree, after, f"from {module} import {name}")


def _with_statement(tree: cst.Module, after: int, text: str) -> cst.Module:
    statement = cst.parse_statement(text)
    has_docstring = tree.get_docstring() is not None
    position = after + 1 if after >= 0 else int(has_docstring)
    return tree.with_changes(body=[*tree.body[:position], statement, *tree.body[position:]])


def _module_name(node: cst.ImportFrom) -> str:
    dots = "." * len(node.relative)
    return dots + (cst.Module([]).code_for_node(node.module) if node.module else "")


def _library(node: cst.ImportFrom) -> str:
    return _module_name(node).split(".")[0]


def _names(node: cst.ImportFrom) -> list[str] | None:
    if isinstance(node.names, cst.ImportStar):
        return None
    return [str(alias.name.value) for alias in node.names if alias.asname is None]


def _added(node: cst.ImportFrom, name: str) -> cst.ImportFrom:
    """Return the import with one name more, before the first that is sorted behind it."""
    assert not isinstance(node.names, cst.ImportStar)
    aliases = list(node.names)
    position = next(
        (i for i, a in enumerate(aliases) if _order(str(a.name.value)) > _order(name)),
        len(aliases),
    )
    if position == len(aliases):
        last = aliases[-1]
        between = aliases[-2].comma if len(aliases) > 1 else _comma(node)
        aliases[-1] = last.with_changes(comma=between)
        aliases.append(cst.ImportAlias(cst.Name(name), comma=last.comma))
    else:
        between = aliases[0].comma if len(aliases) > 1 else _comma(node)
        aliases.insert(position, cst.ImportAlias(cst.Name(name), comma=between))
    return node.with_changes(names=aliases)


def _comma(node: cst.ImportFrom) -> cst.Comma:
    """Return the comma between names: on lines of their own where the first one is."""
    space: cst.BaseParenthesizableWhitespace = cst.SimpleWhitespace(" ")
    if node.lpar is not None and isinstance(
        node.lpar.whitespace_after, cst.ParenthesizedWhitespace
    ):
        space = node.lpar.whitespace_after
    return cst.Comma(whitespace_after=space)


def _order(name: str) -> tuple[bool, str]:
    """Sort classes before functions, as isort does."""
    return name[:1].islower(), name
