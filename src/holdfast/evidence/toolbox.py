"""The registry of tools: one for both reasoners, the command line, the API and MCP.

A tool is a typed function with an effect and a timeout, whose result is Evidence. Read tools may
be called at any time; write tools run only through the guard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from holdfast.errors import GuardDenied, HoldfastError, NotFound
from holdfast.model.base import utc_now
from holdfast.model.evidence import Evidence, EvidenceKind, Outcome
from holdfast.model.hypothesis import Argument, ToolCall

ToolFunction = Callable[..., Evidence]


@dataclass(frozen=True)
class Tool:
    """One tool. `summary` is one sentence; the signature of `function` is its schema."""

    name: str
    effect: Literal["read", "write"]
    timeout_seconds: float
    summary: str
    function: ToolFunction


class Toolbox:
    """Tools by name."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}

    def register(self, tool: Tool) -> None:
        """Add a tool. A second one of the same name is a programming error."""
        if tool.name in self._tools:
            raise ValueError(f"the tool {tool.name} is registered twice")
        self._tools[tool.name] = tool

    def names(self) -> tuple[str, ...]:
        """Return all names, sorted."""
        return tuple(sorted(self._tools))

    def get(self, name: str) -> Tool:
        """Return the tool of that name, or raise NotFound."""
        if name not in self._tools:
            raise NotFound(f"there is no tool {name}", hint=f"known: {', '.join(self.names())}")
        return self._tools[name]

    def ask(self, call: ToolCall) -> Evidence:
        """Call a read tool. A failure is an answer: Evidence with outcome `error`."""
        tool = self.get(call.tool)
        if tool.effect != "read":
            raise GuardDenied(f"{call.tool} writes", hint="writes go through the guard")
        try:
            return tool.function(**call.arguments)
        except HoldfastError as error:
            return failed(tool.name, call.arguments, error)


def failed(name: str, arguments: Mapping[str, Argument], error: HoldfastError) -> Evidence:
    """Return evidence that a question could not be answered, and why."""
    asked = ", ".join(f"{key}={value!r}" for key, value in sorted(arguments.items()))
    return Evidence.seal(
        kind=EvidenceKind.COMMAND,
        query=f"{name}({asked})",
        source=name,
        asked_at=utc_now(),
        outcome=Outcome.ERROR,
        error=str(error),
    )
