"""What a template consists of, once it has been read: blocks that hold sentences that hold figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from services.reporting.report.slot import Slot


@dataclass(frozen=True)
class Plain:
    """Words as they stand."""

    text: str


@dataclass(frozen=True)
class Named:
    """A value of the head: `{{年度}}`."""

    name: str
    line: int


@dataclass(frozen=True)
class Figure:
    """A figure."""

    slot: Slot


@dataclass(frozen=True)
class Written:
    """A hand-written paragraph: `{{text:name}}`."""

    name: str
    line: int


@dataclass(frozen=True)
class Here:
    """Of the part at hand: its name (`{{项}}`) or its figure (`{{值}}`)."""

    what: str
    forms: frozenset[str]
    line: int


@dataclass(frozen=True)
class Each:
    """For each part of a split figure; `joint` stands between them."""

    slot: Slot
    body: tuple[Node, ...]
    joint: str = ""


@dataclass(frozen=True)
class Test:
    """A condition: a figure that is not 0, that compares so, or a paragraph that somebody wrote."""

    slot: Slot | None = None
    written: str = ""
    sign: str = ""
    limit: Decimal = Decimal(0)
    negated: bool = False


@dataclass(frozen=True)
class If:
    """One or the other."""

    test: Test
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Heading:
    """`##` 一、, `###` （一）, `####` 1. on a line of its own: numbered when written."""

    level: int
    body: tuple[Node, ...]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; `level` 3 and 4 are numbered: 1. and （1）."""

    body: tuple[Node, ...]
    level: int = 0


@dataclass(frozen=True)
class Drawn:
    """A table or chart of a split figure."""

    slot: Slot


Node = Plain | Named | Figure | Written | Here | Each | If | Heading | Paragraph | Drawn
SIGNS = (">=", "<=", "!=", "=", ">", "<")


def walk(nodes: tuple[Node, ...], around: tuple[Each, ...] = ()) -> Iterator[tuple[Node, tuple[Each, ...]]]:
    """Every node in order, with the loops around it."""
    for node in nodes:
        yield node, around
        if isinstance(node, Each):
            yield from walk(node.body, (*around, node))
        elif isinstance(node, If):
            yield from walk((*node.body, *node.otherwise), around)
        elif isinstance(node, Heading | Paragraph):
            yield from walk(node.body, around)


def slots(nodes: tuple[Node, ...]) -> Iterator[tuple[Slot, tuple[Each, ...]]]:
    """Every slot in order, with the loops around it."""
    for node, around in walk(nodes):
        if isinstance(node, Figure | Drawn | Each):
            yield node.slot, around
        elif isinstance(node, If) and node.test.slot:
            yield node.test.slot, around
