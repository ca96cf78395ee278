"""The call graph of the catalog, as far as diagnosis walks it."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.model.service import Service


def reachable(start: str, services: Mapping[str, Service]) -> tuple[str, ...]:
    """Return the service and all that it calls, directly or not, nearest first.

    Names that are not in the catalog are left out: nothing can be asked of them.
    """
    found: list[str] = [start] if start in services else []
    for name in found:  # grows while it is walked
        found += [n for n in services[name].depends_on if n in services and n not in found]
    return tuple(found)


def uncatalogued(start: str, services: Mapping[str, Service]) -> tuple[str, ...]:
    """Return what is called and not in the catalog: blind spots, to be named as gaps."""
    called = [n for name in reachable(start, services) for n in services[name].depends_on]
    return tuple(sorted({name for name in (start, *called) if name not in services}))
