"""Lists the tools, and calls one with arguments that a person typed."""

from __future__ import annotations

import inspect
import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, get_type_hints

from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table as Grid

from holdfast.catalog.config import load_config
from holdfast.errors import GuardDenied, HoldfastError, InputError
from holdfast.evidence.toolbox import Tool, Toolbox, failed
from holdfast.model.base import Record
from holdfast.model.evidence import Evidence, Matrix, Outcome, Table, Text, Vector
from holdfast.surfaces.app import make_world
from holdfast.surfaces.cli.interrupts import interruptible
from holdfast.surfaces.write_tools import write_tools


class ToolListing(Record):
    """A tool as it is listed. `arguments`: name → type, a default behind it."""

    name: str
    effect: str
    summary: str
    arguments: dict[str, str]


def list_tools(stream: TextIO, config_path: Path, *, as_json: bool) -> None:
    """Print every tool."""
    with _toolbox(config_path, "") as toolbox:
        listings = [_listing(toolbox.get(name)) for name in toolbox.names()]
    if as_json:
        print("\n".join(listing.model_dump_json() for listing in listings), file=stream)
        return
    for listing in listings:
        given = ", ".join(f"{name}: {kind}" for name, kind in listing.arguments.items())
        mark = "  (writes)" if listing.effect == "write" else ""
        print(f"{listing.name}({given}){mark}\n    {listing.summary}", file=stream)


def call_tool(
    stream: TextIO,
    config_path: Path,
    name: str,
    arguments: Sequence[str],
    approver: str,
    *,
    as_json: bool,
) -> int:
    """Call a tool, print its evidence and return the exit code.

    Raises InputError for what was typed wrongly, GuardDenied where it may not be done.
    """
    with interruptible(), _toolbox(config_path, approver) as toolbox:
        tool = toolbox.get(name)
        typed = _typed(tool, arguments)
        answer = _answer(tool, typed)
    if as_json:
        print(answer.model_dump_json(), file=stream)
    else:
        _print(stream, answer)
    return 0 if answer.outcome is Outcome.DATA else 1


def _answer(tool: Tool, arguments: dict[str, object]) -> Evidence:
    """Call it. A source that fails is an answer; what may not be done, or not so, is raised."""
    try:
        return tool.function(**arguments)
    except (InputError, GuardDenied):
        raise
    except HoldfastError as error:
        return failed(tool.name, {key: str(value) for key, value in arguments.items()}, error)


@contextmanager
def _toolbox(config_path: Path, approver: str) -> Generator[Toolbox]:
    config = load_config(config_path)
    world = make_world(config, config_path.absolute().parent)
    try:
        toolbox = Toolbox()
        reads = (world.toolbox.get(name) for name in world.toolbox.names())
        for tool in (*reads, *write_tools(world, approver)):
            toolbox.register(tool)
        yield toolbox
    finally:
        world.source.close()
        world.ledger.close()


# ---- arguments ---------------------------------------------------------------------------------


def _listing(tool: Tool) -> ToolListing:
    parameters = inspect.signature(tool.function).parameters
    shown = {
        name: f"{_name_of(each.annotation)}{_default(each)}" for name, each in parameters.items()
    }
    return ToolListing(name=tool.name, effect=tool.effect, summary=tool.summary, arguments=shown)


def _name_of(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "?")


def _default(parameter: inspect.Parameter) -> str:
    return "" if parameter.default is inspect.Parameter.empty else f" = {parameter.default!r}"


def _typed(tool: Tool, arguments: Sequence[str]) -> dict[str, object]:
    """Return the arguments as the tool's signature wants them. Raises InputError."""
    parameters = inspect.signature(tool.function).parameters
    hints = get_type_hints(tool.function)
    typed: dict[str, object] = {}
    for name, text in map(_split, arguments):
        if name not in parameters:
            known = ", ".join(parameters)
            raise InputError(f"{tool.name} has no argument {name}", hint=f"known: {known}")
        typed[name] = _value(name, text, hints[name])
    missing = [
        name
        for name, each in parameters.items()
        if each.default is inspect.Parameter.empty and name not in typed
    ]
    if missing:
        raise InputError(f"{tool.name} needs {', '.join(missing)}", hint="NAME=VALUE each")
    return typed


def _split(argument: str) -> tuple[str, str]:
    name, equals, text = argument.partition("=")
    if not equals:
        raise InputError(f"{argument!r} is no argument", hint="write NAME=VALUE")
    return name, text


def _value(name: str, text: str, wanted: type[object]) -> object:
    """Return the text, or the JSON in it, as the wanted type; a plain text is tried first."""
    adapter = TypeAdapter(wanted)
    problem = ""
    for given in _readings(text):
        try:
            return adapter.validate_python(given)
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
    raise InputError(f"{name}={text}: {problem}")


def _readings(text: str) -> Iterator[object]:
    yield text
    try:
        yield json.loads(text)
    except ValueError:
        return


# ---- evidence ----------------------------------------------------------------------------------


def _print(stream: TextIO, answer: Evidence) -> None:
    console = Console(file=stream, highlight=False)
    console.print(f"{answer.source}: {answer.query}", markup=False, soft_wrap=True)
    if answer.outcome is not Outcome.DATA:
        console.print(answer.error or answer.outcome.value.replace("_", " "), markup=False)
        return
    match answer.value:
        case Table(columns=columns, rows=rows):
            _print_rows(console, columns, rows)
        case Vector(samples=samples):
            _print_rows(
                console, ("labels", "value"), [(_labels(s.labels), s.value) for s in samples]
            )
        case Matrix(series=series):
            found = [(_labels(s.labels), len(s.points), s.points[-1][1]) for s in series]
            _print_rows(console, ("labels", "points", "last value"), found)
        case Text(text=text):
            console.print(text, markup=False, soft_wrap=True)
        case None:
            console.print("no value")


def _print_rows(console: Console, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    grid = Grid(*columns, box=None, pad_edge=False)
    for row in rows:
        grid.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(grid)


def _labels(labels: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items())) or "-"
