"""HTML built from elements: whatever is not markup already is escaped."""

from __future__ import annotations

import html

from mica.report import printable

__all__ = ["Markup", "element", "escape", "join", "void"]


class Markup(str):
    """Text that is HTML already; only this file's functions and constants make it."""

    __slots__ = ()


def escape(text: object) -> Markup:
    """Give text as HTML that shows it, whatever it contains.

    Args:
        text: Anything; markup stays as it is.

    Example:
        >>> escape("<script>")
        '&lt;script&gt;'
    """
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(printable(text), quote=True))


def join(*children: object) -> Markup:
    """Give the children one after another, escaping what is not markup.

    Args:
        children: Texts and markup.

    Example:
        >>> join("a < b ", element("b", "c"))
        'a &lt; b <b>c</b>'
    """
    return Markup("".join(escape(child) for child in children))


def element(tag: str, *children: object, **attributes: object) -> Markup:
    """Give an element with its children and its attributes, all escaped.

    Args:
        tag: Its name.
        children: What it holds: texts and markup.
        attributes: "class_" stands for "class" and "aria_label" for "aria-label";
            one whose value is None is left out.

    Example:
        >>> element("td", "R&D", class_="number", scope=None)
        '<td class="number">R&amp;D</td>'
    """
    return Markup(f"<{tag}{_attributes(attributes)}>{join(*children)}</{tag}>")


def void(tag: str, **attributes: object) -> Markup:
    """Give an element that holds nothing and is not closed, such as an image.

    Args:
        tag: Its name.
        attributes: As for `element`.

    Example:
        >>> void("img", alt="a cat")
        '<img alt="a cat">'
    """
    return Markup(f"<{tag}{_attributes(attributes)}>")


def _attributes(attributes: dict[str, object]) -> str:
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
