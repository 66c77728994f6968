"""XML as partners send it: read hardened, element by element by tables, and written again.

No DOCTYPE, so no entities and no bombs; no network; at most 512 KB. lxml by itself takes a DOCTYPE without a word.
A format is tables of `Row`s: which element becomes which field. The order of elements is checked by nobody and written
as the table has it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec
from lxml import etree

from services.contracts.alert.instant import rfc3339
from services.contracts.alert.model import Flaw, Malformed

MAX_BYTES = 512 * 1024
Element: TypeAlias = etree._Element
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold; JSON can."""
_GB = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["'](gb2312|gbk|gb18030|cp936|gb_2312-80)["'][^>]*?\?>""", re.I)


def parse(body: bytes) -> Element:
    """The root element. Raises Malformed for what is too large, not well-formed, or has a DOCTYPE."""
    if len(body) > MAX_BYTES:
        raise Malformed([Flaw("", f"{len(body)} bytes: at most 512 KB ({MAX_BYTES} bytes)", "event_too_large")])
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True, recover=False,
    )  # fmt: skip
    try:
        root = etree.fromstring(_utf8(body), parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise Malformed([Flaw("", f"not XML: {str(error)[:200]}", "not_xml")]) from error
    if root.getroottree().docinfo.doctype or root.getroottree().docinfo.internalDTD is not None:
        raise Malformed([Flaw("", "has a DOCTYPE, which no alert has", "doctype")])
    return root


def _utf8(body: bytes) -> bytes:
    """The text without byte order mark; what calls itself GB2312 or GBK is read as GB18030, which holds both."""
    body = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if match := _GB.match(body):
        return body[match.end() :].decode("gb18030").encode()
    return body


def local(element: Element) -> str:
    """The name without namespace."""
    return str(etree.QName(element).localname)


def namespace(element: Element) -> str:
    """The namespace, or an empty text."""
    return etree.QName(element).namespace or ""


def text_of(element: Element) -> str:
    """The text of an element, without blanks around it."""
    return "".join(element.itertext()).strip()


@dataclass
class Reading:
    """One message as it is read: the namespace of its format, and the flaws found so far."""

    namespace: str
    flaws: list[Flaw] = field(default_factory=list)

    def add(self, path: str, reason: str) -> None:
        """Note a flaw."""
        self.flaws.append(Flaw(path, reason))


Read = Callable[[Element, str, Reading], Any]
"""Reads one element at a path; notes flaws."""
Write = Callable[[Element, str, Any], None]
"""Appends a value to a parent as elements of a name."""


@dataclass(frozen=True)
class Row:
    """One element of a format."""

    element: str
    field: str
    read: Read
    write: Write
    many: bool = False
    """As often as it comes; otherwise once, or a list of words that may be spread over several."""
    needed: bool = False
    always: bool = False
    """Written even when there is nothing in it."""
    words: bool = False
    """The value is a tuple made from one text."""


def qualified(parent: Element, name: str) -> str:
    """A name in the namespace of its parent."""
    space = namespace(parent)
    return f"{{{space}}}{name}" if space else name


def child(parent: Element, name: str, text: str = "") -> Element:
    """A new element with a text."""
    element = etree.SubElement(parent, qualified(parent, name))
    element.text = _UNFIT.sub("", text) or None
    return element


def _write_text(parent: Element, name: str, value: str) -> None:
    child(parent, name, value)


def _read_text(element: Element, path: str, reading: Reading) -> str:
    if len(element):
        reading.add(path, "must be text without elements")
    return text_of(element)


def text(element: str, name: str, *, many: bool = False, needed: bool = False, always: bool = False) -> Row:
    """A row for a text."""
    return Row(element, name, _read_text, _write_text, many, needed, always)


def one_of(
    element: str, name: str, values: Iterable[str], *, many: bool = False, needed: bool = False,
    also: Mapping[str, str] | None = None,
) -> Row:  # fmt: skip
    """A row for one of the values; `also` says what other spellings (in small letters) stand for."""
    known = {value.lower(): value for value in values} | dict(also or {})

    def read(found: Element, path: str, reading: Reading) -> str:
        told = _read_text(found, path, reading)
        if told.lower() not in known:
            reading.add(path, f"{told[:40]!r} is not one of {', '.join(dict.fromkeys(known.values()))}")
        return known.get(told.lower(), told)

    return Row(element, name, read, _write_text, many, needed)


def time(
    element: str, name: str, written: Callable[[str], str], offset: str = "", *, needed: bool = False,
    always: bool = False,
) -> Row:  # fmt: skip
    """A row for a time; `written` is how the format writes RFC 3339, `offset` is taken where there is none."""

    def read(found: Element, path: str, reading: Reading) -> str:
        told = _read_text(found, path, reading)
        at = rfc3339(told, offset)
        if told and at is None:
            reading.add(path, f"{told[:40]!r} is not a time")
        return at or ""

    def write(parent: Element, tag: str, value: str) -> None:
        child(parent, tag, written(value) if value else "")

    return Row(element, name, read, write, needed=needed, always=always)


def part(
    element: str, name: str, kind: type[msgspec.Struct], rows: tuple[Row, ...], *, extra: bool = False,
    needed: bool = False,
) -> Row:  # fmt: skip
    """A row for a part with rows of its own, as often as it comes; `extra` keeps what no row names."""

    def read(found: Element, path: str, reading: Reading) -> Any:
        return kind(**read_rows(found, path, rows, reading, extra=extra))

    def write(parent: Element, tag: str, value: Any) -> None:
        write_rows(child(parent, tag), rows, value)

    return Row(element, name, read, write, many=True, needed=needed)


def read_rows(
    parent: Element, path: str, rows: tuple[Row, ...], reading: Reading, *, extra: bool = False
) -> dict[str, Any]:
    """The fields that the children of an element make; a missing or unknown element is a flaw."""
    by_name = {row.element: row for row in rows}
    found: dict[str, list[Any]] = {row.field: [] for row in rows}
    strange: list[str] = []
    for element in parent:
        name = local(element)
        if namespace(element) == reading.namespace and name in by_name:
            row = by_name[name]
            at = f"{path}/{name}" if not row.many else f"{path}/{name}[{len(found[row.field]) + 1}]"
            found[row.field].append(row.read(element, at, reading))
        elif extra or (namespace(element) != reading.namespace and path == "alert"):
            strange.append(_kept(element))
        else:
            reading.add(f"{path}/{name}", "is not an element of this format")
    values = {row.field: _value(row, found[row.field], path, reading) for row in rows}
    return values | ({"extension": tuple(strange)} if strange else {})


def _value(row: Row, found: list[Any], path: str, reading: Reading) -> Any:
    present = [value for value in found if value not in ("", ())]
    if row.needed and not present:
        reading.add(f"{path}/{row.element}", "is required" + (" and empty" if found else ""))
    if row.many:
        return tuple(present)
    if row.words:
        return tuple(one for several in present for one in several)
    if len(found) > 1:
        reading.add(f"{path}/{row.element}", f"is there {len(found)} times: at most once")
    return present[0] if present else ""


def _kept(element: Element) -> str:
    """An element as text that stands by itself; blanks between its elements are not kept."""
    blanks = etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True)
    copy = etree.fromstring(etree.tostring(element, with_tail=False, method="c14n", exclusive=True), blanks)
    # Of two prefixes of one namespace one is left when it is written: so it is here.
    etree.Element("holder").append(copy)
    return bytes(etree.tostring(copy, method="c14n", exclusive=True)).decode()


def write_rows(parent: Element, rows: tuple[Row, ...], value: Any) -> None:
    """The children for a part, in the order of the rows, and what it keeps besides."""
    for row in rows:
        told = getattr(value, row.field)
        for one in told if row.many else (told,):
            if one or row.always:
                row.write(parent, row.element, one)
        if row.many and row.always and not told:
            child(parent, row.element)
    for kept in getattr(value, "extension", ()):
        with contextlib.suppress(Malformed):  # an event may come with anything under that name
            parent.append(parse(kept.encode()))


def document(root: Element) -> bytes:
    """The text of a document: UTF-8, indented."""
    etree.indent(root, "    ")
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True)) + b"\n"
