"""Renders a post-mortem as Markdown: each figure followed by its footnote, readable on GitHub."""

from __future__ import annotations

import re
from collections.abc import Mapping

from holdfast.errors import EvidenceError
from holdfast.learning.figures import PLACEHOLDER
from holdfast.learning.quotes import code
from holdfast.model.evidence import Evidence
from holdfast.model.figure import Figure
from holdfast.model.lesson import Paragraph, Postmortem, Section


def to_markdown(report: Postmortem, evidence: Mapping[str, Evidence]) -> str:
    """Return the whole document. Raises EvidenceError where a text names an unknown figure."""
    figures = {figure.id: figure for figure in report.figures}
    parts = [f"# {report.title}"]
    parts += [part for section in report.sections for part in _section(section, figures)]
    notes = [_footnote(figure, evidence) for figure in report.figures]
    return "\n\n".join([*parts, "\n".join(notes)]).rstrip() + "\n"


def _section(section: Section, figures: Mapping[str, Figure]) -> list[str]:
    blocks: list[str] = [f"## {section.title}"]
    previous = ""
    for paragraph in section.paragraphs:
        text = _paragraph(paragraph, figures)
        group = "row" if paragraph.kind == "header_row" else paragraph.kind
        if group == previous and group in ("bullet", "row") and paragraph.kind != "header_row":
            blocks[-1] += "\n" + text
        else:
            blocks.append(text)
        previous = group
    return blocks


def _paragraph(paragraph: Paragraph, figures: Mapping[str, Figure]) -> str:
    match paragraph.kind:
        case "code":
            return _fence(paragraph.text, paragraph.language)
        case "image":
            path = paragraph.cells[0] if paragraph.cells else ""
            return f"![{with_figures(paragraph.text, figures)}]({path})"
        case "bullet":
            return f"- {with_figures(paragraph.text, figures)}"
        case "header_row":
            return f"{_row(paragraph, figures)}\n|{'---|' * len(paragraph.cells)}"
        case "row":
            return _row(paragraph, figures)
        case "text":
            return with_figures(paragraph.text, figures)


def with_figures(text: str, figures: Mapping[str, Figure]) -> str:
    """Return the text with each placeholder replaced by its figure's text and footnote marker."""

    def written(found: re.Match[str]) -> str:
        figure = figures.get(found[1])
        if figure is None:
            raise EvidenceError(f"the text names figure {found[1]}, which does not exist")
        return f"{figure.text}[^{figure.id}]"

    return PLACEHOLDER.sub(written, text)


def _row(paragraph: Paragraph, figures: Mapping[str, Figure]) -> str:
    cells = [re.sub(r"(?<!\\)\|", r"\\|", with_figures(c, figures)) for c in paragraph.cells]
    return f"| {' | '.join(cells)} |"


def _fence(content: str, language: str) -> str:
    longest = max((len(run) for run in re.findall(r"^\s*(`{3,})", content, re.M)), default=2)
    ticks = "`" * (longest + 1)
    return f"{ticks}{language}\n{content.rstrip()}\n{ticks}"


def _footnote(figure: Figure, evidence: Mapping[str, Evidence]) -> str:
    wanted = figure.derivation
    parameters = "".join(
        f", {code(f'{key}={value}')}" for key, value in sorted(wanted.parameters.items())
    )
    asked = "; ".join(_asked(i, evidence) for i in wanted.evidence_ids)
    return f"[^{figure.id}]: {code(wanted.function)}{parameters} of {asked}"


def _asked(evidence_id: str, evidence: Mapping[str, Evidence]) -> str:
    item = evidence.get(evidence_id)
    if item is None:
        return f"{code(evidence_id)} (missing)"
    return f"{code(item.id)}, {code(item.query)} at {code(item.source)}"
