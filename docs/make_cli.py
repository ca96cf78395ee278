"""Writes `cli.md`, the command reference, from the commands themselves.

    python docs/make_cli.py

A test fails where the file is not what this would write, or where a command or an option explains
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from holdfast.surfaces.cli.main import app

PAGE = Path(__file__).with_name("cli.md")

_HEAD = (
    "# Commands\n",
    "Made by `docs/make_cli.py` from the commands themselves.\n",
    "Exit codes: 0 well; 1 an error or a finding, told in one line on standard error: what, where, "
    "what to do; 2 misuse; 130 or 143 interrupted. With `HOLDFAST_TRACEBACK=1` a defect of "
    "Holdfast's shows where it happened.\n",
)


def page() -> str:
    """Return the whole page."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return "\n".join((*_HEAD, *_group(group, "holdfast")))


def undocumented() -> list[str]:
    """Return the commands and the parameters that do not explain themselves."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return [path for path, text in _explained(group, "holdfast") if not text]


Command = TyperCommand | TyperGroup


def _commands(group: TyperGroup, path: str) -> Iterator[tuple[str, Command]]:
    for name, command in group.commands.items():
        assert isinstance(command, Command)
        yield f"{path} {name}", command


def _explained(command: Command, path: str) -> Iterator[tuple[str, str | None]]:
    yield path, command.help
    for parameter in command.params:
        if isinstance(parameter, TyperArgument | TyperOption):
            yield f"{path} {parameter.name}", parameter.help
    if isinstance(command, TyperGroup):
        for below, inner in _commands(command, path):
            yield from _explained(inner, below)


def _group(group: TyperGroup, path: str) -> Iterator[str]:
    yield from _options(group)
    for below, command in _commands(group, path):
        yield f"{'#' * (below.count(' ') + 1)} `{below}`\n"
        yield f"{_text(command.help)}\n"
        if isinstance(command, TyperGroup):
            yield from _group(command, below)
        else:
            yield f"```\n{_usage(command, below)}\n```\n"
            yield from _options(command)


def _usage(command: Command, path: str) -> str:
    arguments = [p for p in command.params if isinstance(p, TyperArgument)]
    written = [_name(a) if a.required else f"[{_name(a)}]" for a in arguments]
    return " ".join((path, *written, "[OPTIONS]"))


def _name(argument: TyperArgument) -> str:
    return (argument.name or "").upper()


def _options(command: Command) -> Iterator[str]:
    rows = [_row(p) for p in command.params if isinstance(p, TyperArgument | TyperOption)]
    if rows:
        yield "\n".join(("| | | default |", "|---|---|---|", *rows)) + "\n"


def _row(parameter: TyperArgument | TyperOption) -> str:
    if isinstance(parameter, TyperArgument):
        name = _name(parameter)
    else:
        name = ", ".join((*parameter.opts, *parameter.secondary_opts))
    variable = f" From `{parameter.envvar}` where that is set." if parameter.envvar else ""
    text, default = _default(_text(parameter.help), parameter)
    return f"| `{name}` | {text}{variable} | {default} |"


def _default(text: str, parameter: TyperArgument | TyperOption) -> tuple[str, str]:
    """Return the text without a default that is written in it, and the default."""
    if parameter.required:
        return text, "required"
    written = re.search(r" ?\[default: (.*?)\]", text)
    if written:
        return text.replace(written[0], ""), written[1]
    given = parameter.default
    if given is None or given == "" or given is False or callable(given):
        return text, ""
    if given is True:
        return text, f"`{parameter.opts[0]}`"
    return text, f"`{given}`"


def _text(help_text: str | None) -> str:
    return " ".join((help_text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
