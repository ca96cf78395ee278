"""YAML as all generated files have it; by libyaml, where it is built in, several times as fast."""

from __future__ import annotations

import yaml

_DUMPER: type[yaml.SafeDumper] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def yaml_text(document: object) -> str:
    """Return a document as YAML, in the order that it has."""
    return yaml.dump(document, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=100)
