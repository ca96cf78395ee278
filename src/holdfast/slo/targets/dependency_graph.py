"""Contradictions among dependencies, each told by the field that it stands in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from holdfast.errors import InputError
from holdfast.model.budget import Dependency


def check_dependencies(dependencies: Sequence[Dependency], service: str) -> None:
    """Raise InputError for the first contradiction, naming the field.

    `dependencies[i].depends_on` may name others of the list and the service itself; a way back to
    where it began is a cycle: each would wait for the other to be up.
    """
    _check_objectives(dependencies)
    _check_names(dependencies, service)
    _check_groups(dependencies)
    _check_cycles(dependencies, service)


def _check_objectives(dependencies: Sequence[Dependency]) -> None:
    for place, dependency in enumerate(dependencies):
        if not 0 < dependency.objective < 1:
            raise InputError(
                f"dependencies[{place}].objective ({dependency.name}): "
                f"{100 * dependency.objective:g} % is no objective",
                hint="nothing is always up or always down; give a fraction between, such as 0.999",
            )


def _check_names(dependencies: Sequence[Dependency], service: str) -> None:
    seen: dict[str, Dependency] = {}
    for place, dependency in enumerate(dependencies):
        where = f"dependencies[{place}].name ({dependency.name})"
        if dependency.name == service:
            raise InputError(f"{where}: the service depends on itself", hint="leave it out")
        before = seen.get(dependency.name)
        if before is not None and before.kind != dependency.kind:
            raise InputError(
                f"dependencies[{place}].kind ({dependency.name}): it is {before.kind} and "
                f"{dependency.kind} at once",
                hint="name it once; where only some events need it, give affected_fraction",
            )
        if before is not None:
            raise InputError(f"{where}: it stands twice", hint="name it once")
        seen[dependency.name] = dependency


def _check_groups(dependencies: Sequence[Dependency]) -> None:
    sizes = Counter(d.group for d in dependencies if d.kind == "redundant")
    for place, dependency in enumerate(dependencies):
        where = f"dependencies[{place}].group ({dependency.name})"
        if dependency.kind != "redundant":
            if dependency.group:
                raise InputError(
                    f"{where}: it is {dependency.kind} and in the redundant group "
                    f"{dependency.group} at once",
                    hint="leave out the group, or make it redundant",
                )
        elif not dependency.group:
            raise InputError(
                f"{where}: redundant with what?", hint="give those that stand in for it one group"
            )
        elif sizes[dependency.group] == 1:
            raise InputError(
                f"{where}: it is alone in {dependency.group}",
                hint="name what stands in for it, or make it serial",
            )


def _check_cycles(dependencies: Sequence[Dependency], service: str) -> None:
    edges = {d.name: d.depends_on for d in dependencies}
    for place, dependency in enumerate(dependencies):
        path = _way_back(dependency.name, {dependency.name, service}, edges)
        if path is not None:
            start = service if path[-1] == service else ""
            told = " → ".join((start, *path) if start else path)
            raise InputError(
                f"dependencies[{place}].depends_on ({dependency.name}): a cycle, {told}",
                hint="one of them can do without the other: make that one soft, or correct it",
            )


def _way_back(
    start: str, ends: set[str], edges: dict[str, tuple[str, ...]]
) -> tuple[str, ...] | None:
    """A path from `start` to one of `ends`, depth first; None = there is none."""
    stack: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while stack:
        path = stack.pop()
        for following in edges.get(path[-1], ()):
            if following in ends:
                return (*path, following)
            if following not in seen:
                seen.add(following)
                stack.append((*path, following))
    return None
