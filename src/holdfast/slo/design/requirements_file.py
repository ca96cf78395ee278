"""Reads a requirements file; every mistake names the file, the field and what to do."""

from __future__ import annotations

from pathlib import Path

from holdfast.catalog.documents import parse_mapping, read_text, validate
from holdfast.catalog.template import check_template
from holdfast.errors import ConfigError, InputError, PromQLError
from holdfast.model.requirements import Requirements
from holdfast.slo.targets.ceiling import ceiling


def load_requirements(path: Path, service: str) -> Requirements:
    """Return the requirements of a service. Raises ConfigError naming the file and the field."""
    fields = parse_mapping(read_text(path, "requirements file"), path)
    requirements = validate(Requirements, fields, path)
    try:
        check_requirements(requirements, service)
    except InputError as error:
        raise ConfigError(f"{path}: {error.message}", hint=error.hint) from error
    return requirements


def check_requirements(requirements: Requirements, service: str) -> None:
    """Raise InputError, naming the field, for what contradicts itself or cannot be asked."""
    if requirements.service and requirements.service != service:
        raise InputError(
            f"service: these are the requirements of {requirements.service}, not of {service}",
            hint="give the file of this service, or leave the field out",
        )
    ceiling(requirements.dependencies, service=service)
    for place, indicator in enumerate(requirements.indicators):
        for field in ("bad_query", "total_query"):
            _check_query(getattr(indicator, field), f"indicators[{place}].{field}")


def _check_query(template: str, where: str) -> None:
    try:
        check_template(template, by_allowed=False)
    except PromQLError as error:
        raise InputError(f"{where}: {error.message}", hint=error.hint) from error
