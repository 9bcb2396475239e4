"""Reads a page of HTML as strictly as a validator would, without a browser."""

import itertools
from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Element", "read_page"]

VOID = {"img", "meta", "br", "hr", "link", "input"}
# Elements a <p> may hold: anything else closes it before its own end tag.
PHRASES = {"a", "b", "code", "span", "i", "em", "strong", "svg", "img", "br"}
SVG = {"svg", "g", "path", "line", "rect", "circle", "text", "title"}


@dataclass
class Element:
    """One element: its tag, attributes, text and place."""

    tag: str
    attributes: dict[str, str | None]
    parents: tuple[str, ...]
    text: str = ""
    children: list["Element"] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[Element] = []
        self.all: list[Element] = []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice: {names}"
        parents = tuple(element.tag for element in self.open)
        element = Element(tag, dict(attrs), parents)
        if self.open:
            self.open[-1].children.append(element)
            if self.open[-1].tag == "p":
                assert tag in PHRASES, f"<{tag}> inside <p>"
        self.all.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> without a start"
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element.text += data


def read_page(text: str) -> list[Element]:
    """Give every element in order; AssertionError where the page is not valid.

    Checked: balanced tags, attributes and identities that are unique, one h1 and no
    heading level left out, alternative texts, headers with a scope, tables whose rows
    have one width, and that nothing is loaded or run.
    """
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open, f"<{reader.open[-1].tag}> is not closed"
    elements = reader.all
    _check_identities(elements)
    _check_headings(elements)
    _check_tables(elements)
    _check_that_nothing_loads(elements)
    for image in (element for element in elements if element.tag == "img"):
        assert image.attributes.get("alt"), "an image without an alternative text"
    for drawing in (element for element in elements if element.tag == "svg"):
        inside = set(drawing.parents) & {"svg"}
        hidden = drawing.attributes.get("aria-hidden") == "true"
        assert inside or hidden, "a drawing that a reader would stumble over"
    return elements


def _check_identities(elements):
    names = [e.attributes["id"] for e in elements if "id" in e.attributes]
    assert len(names) == len(set(names)), f"identities are not unique: {names}"
    for element in elements:
        target = element.attributes.get("href")
        if target is not None:
            assert target.removeprefix("#") in names, f"a link to nowhere: {target}"


def _check_headings(elements):
    levels = [
        int(e.tag[1]) for e in elements if e.tag in {f"h{k}" for k in range(1, 7)}
    ]
    if not any(e.tag == "html" for e in elements):
        return
    assert levels.count(1) == 1, "a page has one h1"
    assert levels[0] == 1
    for before, after in itertools.pairwise(levels):
        assert after <= before + 1, f"h{before} is followed by h{after}"


def _check_tables(elements):
    for table in (e for e in elements if e.tag == "table"):
        rows = [
            row
            for group in table.children
            for row in group.children
            if row.tag == "tr" and group.tag in {"thead", "tbody"}
        ]
        widths, hanging = set(), {}
        for index, row in enumerate(rows):
            width = hanging.get(index, 0)
            for cell in row.children:
                span = int(cell.attributes.get("colspan") or 1)
                width += span
                for below in range(1, int(cell.attributes.get("rowspan") or 1)):
                    hanging[index + below] = hanging.get(index + below, 0) + span
            widths.add(width)
        assert len(widths) <= 1, f"rows of {sorted(widths)} cells in one table"
    for header in (e for e in elements if e.tag == "th"):
        assert header.attributes.get("scope"), "a table header without a scope"


def _check_that_nothing_loads(elements):
    forbidden = {"script", "iframe", "object", "embed", "link", "base", "form"}
    for element in elements:
        assert element.tag not in forbidden, f"<{element.tag}> in the page"
        for name, value in element.attributes.items():
            assert not name.startswith("on"), f"an event handler: {name}"
            if name in {"src", "href", "xlink:href", "action", "data", "poster"}:
                assert (value or "").startswith(("data:image/png;base64,", "#"))
            if name == "style":
                assert "url(" not in (value or "")
        if element.tag == "style":
            assert "url(" not in element.text
            assert "@import" not in element.text
