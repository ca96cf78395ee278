"""The command line. Commands import what they need when they run: help answers at once."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from holdfast import __version__
from holdfast.errors import HoldfastError
from holdfast.surfaces.cli.commands import (
    approve,
    close,
    doctor,
    incidents,
    init,
    show,
    verify,
    watch,
)
from holdfast.surfaces.cli.commands.actions import actions
from holdfast.surfaces.cli.commands.backtest import backtest, simulate, tune
from holdfast.surfaces.cli.commands.canary import canary
from holdfast.surfaces.cli.commands.design import design
from holdfast.surfaces.cli.commands.gate import gate
from holdfast.surfaces.cli.commands.lab import lab
from holdfast.surfaces.cli.commands.loadtest import loadtest
from holdfast.surfaces.cli.commands.promql import promql
from holdfast.surfaces.cli.commands.respond import respond
from holdfast.surfaces.cli.commands.slo import slo
from holdfast.surfaces.cli.commands.tools import tools
from holdfast.surfaces.cli.options import DEFAULT_CONFIG

_HELP = "Holds on until the incident is over, and proves each step with measurements."

app = typer.Typer(
    name="holdfast",
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,  # rich help takes 0.3 s more
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(init.init)
app.command()(doctor.doctor)
app.command()(design)
app.command()(watch.watch)
app.command()(respond)
app.command()(incidents.incidents)
app.command()(show.show)
app.command()(approve.approve)
app.command()(close.note)
app.command()(close.close)
app.command()(verify.verify)
app.command()(loadtest)
app.command()(canary)
app.command()(gate)
app.command()(backtest)
app.command()(simulate)
app.command()(tune)
app.add_typer(actions, name="actions")
app.add_typer(tools, name="tools")
app.add_typer(slo, name="slo")
app.add_typer(lab, name="lab")
app.add_typer(promql, name="promql")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"holdfast {__version__}")
        raise typer.Exit


@app.callback()
def every_command(
    ctx: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", help="The configuration.", envvar="HOLDFAST_CONFIG")
    ] = DEFAULT_CONFIG,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print it.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Hand the global `--config` to the command that is called."""
    del version
    if ctx.invoked_subcommand is not None:
        ctx.default_map = {ctx.invoked_subcommand: {"config": str(config)}}


def main() -> None:
    """Run a command. An error is one line on stderr and exit code 1; misuse is 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows few characters gets `?`
    sys.exit(_flushed(_run()))


def _run() -> int:
    try:
        app()
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except HoldfastError as error:
        return _refuse(str(error))
    except BrokenPipeError:  # the reader has gone, `| head` for example: nobody is left to tell
        return 1
    except OSError as error:
        return _refuse(_of_system(error))
    except Exception as error:
        if os.environ.get("HOLDFAST_TRACEBACK"):
            raise
        return _refuse(
            f"unexpected {type(error).__name__}: {error} (a defect of Holdfast's: run it again "
            "with HOLDFAST_TRACEBACK=1 for where, and report that)"
        )
    return 0


def _flushed(code: int) -> int:
    """Return the exit code once all is written, or cannot be."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else said again at exit
        gone = isinstance(error, BrokenPipeError)
        return code or (1 if gone else _refuse(_of_system(error)))
    return code


def _of_system(error: OSError) -> str:
    if error.filename is None:
        return f"the output cannot be written: {error.strerror or error} (see where it goes)"
    return f"{error.filename}: {error.strerror} (see that it is there, and that you may use it)"


def _refuse(message: str) -> int:
    print(f"holdfast: {message}", file=sys.stderr)
    return 1
