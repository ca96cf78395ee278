"""Small pieces of SVG as text. Colours are CSS classes, so that they follow dark and light."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def element(tag: str, content: str = "", **attributes: str | float) -> str:
    """Return one element; `css` stands for class, a dash for each underscore."""
    names = {"css": "class"}
    written = "".join(
        f' {names.get(key, key.replace("_", "-"))}="{_value(value)}"'
        for key, value in attributes.items()
    )
    return f"<{tag}{written}>{content}</{tag}>" if content else f"<{tag}{written}/>"


def text(x: float, y: float, content: str, css: str = "", anchor: str = "start") -> str:
    """Return a text at a place."""
    return element("text", escape(content), x=x, y=y, css=css, text_anchor=anchor)


def box(
    x: float, y: float, width: float, height: float, css: str, *, tip: str = "", opacity: float = 1
) -> str:
    """Return a rectangle, with a tooltip where there is one."""
    title = f"<title>{escape(tip)}</title>" if tip else ""
    return element(
        "rect",
        title,
        x=x,
        y=y,
        width=max(width, 0.8),
        height=height,
        css=css,
        fill_opacity=opacity,
    )


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, css=css)


def path(points: Iterable[tuple[float, float] | None], css: str) -> str:
    """Return a line through points; None breaks it."""
    written: list[str] = []
    pen = "M"
    for point in points:
        if point is None:
            pen = "M"
            continue
        written.append(f"{pen}{point[0]:.1f} {point[1]:.1f}")
        pen = "L"
    return element("path", d="".join(written), css=css) if written else ""


def drawing(width: float, height: float, label: str, parts: Iterable[str]) -> str:
    """Return the whole picture; `label` is what a screen reader says."""
    return element(
        "svg",
        "".join(parts),
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=label,
        css="chart",
        style=f"max-width: {1.2 * width:.0f}px",
    )


def _value(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
