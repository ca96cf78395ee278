"""What following the code brought to light: reads, loops, and what could not be followed."""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.actions.codefix.program import FunctionKey
from holdfast.actions.codefix.values import NOTHING, Entity, Source, Value


@dataclass(frozen=True)
class Read:
    """A relationship read on an instance, in a function, at a line and column."""

    function: FunctionKey
    line: int
    column: int
    item: Entity
    relationship: str
    conditional: bool

    @property
    def through(self) -> tuple[str, ...]:
        """The relationships from the query's model to what is read."""
        return (*self.item.through, self.relationship)


@dataclass(frozen=True)
class Loop:
    """A loop over the results of a query."""

    function: FunctionKey
    source: Source


@dataclass(frozen=True)
class Obstacle:
    """Something that cannot be followed, at a line of a function, and why."""

    function: FunctionKey
    line: int
    why: str


@dataclass
class Knowledge:
    """All that is known so far of every function; it only grows, until nothing is new."""

    parameters: dict[tuple[FunctionKey, str], Value] = field(
        default_factory=dict[tuple[FunctionKey, str], Value]
    )
    returns: dict[FunctionKey, Value] = field(default_factory=dict[FunctionKey, Value])
    names: dict[tuple[FunctionKey, str], Value] = field(
        default_factory=dict[tuple[FunctionKey, str], Value]
    )
    options: dict[Source, frozenset[tuple[str, ...]]] = field(
        default_factory=dict[Source, frozenset[tuple[str, ...]]]
    )
    steps: dict[Source, frozenset[str]] = field(default_factory=dict[Source, frozenset[str]])
    blocked: dict[Source, str] = field(default_factory=dict[Source, str])
    reads: set[Read] = field(default_factory=set[Read])
    loops: set[Loop] = field(default_factory=set[Loop])
    obstacles: set[Obstacle] = field(default_factory=set[Obstacle])
    commits: set[FunctionKey] = field(default_factory=set[FunctionKey])
    expiring: set[FunctionKey] = field(default_factory=set[FunctionKey])

    def size(self) -> int:
        """Return a number that grows whenever something new is known of values."""
        tables = (self.parameters, self.returns, self.names, self.options, self.steps)
        counted = sum(len(value) for table in tables for value in table.values())
        return (
            counted
            + sum(map(len, tables))
            + len(self.blocked)
            + len(self.reads)
            + len(self.commits)
        )

    def note_commit(self, function: FunctionKey, *, in_loop: bool) -> None:
        """Note that a function commits or expires what was loaded."""
        self.commits.add(function)
        if in_loop:
            self.expiring.add(function)

    def learn_name(self, function: FunctionKey, name: str, value: Value) -> None:
        """Add what a name of a function stands for."""
        key = (function, name)
        self.names[key] = self.names.get(key, NOTHING) | value

    def learn_parameter(self, function: FunctionKey, name: str, value: Value) -> None:
        """Add what a parameter receives."""
        key = (function, name)
        self.parameters[key] = self.parameters.get(key, NOTHING) | value

    def learn_return(self, function: FunctionKey, value: Value) -> None:
        """Add what a function returns."""
        self.returns[function] = self.returns.get(function, NOTHING) | value
