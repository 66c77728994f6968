"""What a report says, whatever it is drawn as: the document, and a line for every number in it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from services.runtime.document.model import Document

Names = Mapping[str, Mapping[str, str]]
"""Label → value → its Chinese name; `region`: code → name; `""`: label → its own Chinese name."""


@dataclass(frozen=True)
class Earlier:
    """A figure as an earlier edition printed it."""

    edition: str
    """`2022年度年报第1版`, as a reader knows it."""
    value: Decimal
    text: str = ""
    """As it was printed, where that differs."""


@dataclass(frozen=True)
class Change:
    """A figure that is another than in the edition that this one replaces."""

    slot: str
    before: str
    now: str


@dataclass(frozen=True)
class Head:
    """What a report says of itself. Names of persons: only the signer, whom the standard asks for."""

    bureau: str
    short_name: str
    first: datetime.date
    last: datetime.date
    as_of: datetime.datetime
    """快照时间: the cut-off."""
    region: str = ""
    number: str = ""
    signer: str = ""
    addressees: str = ""
    date: datetime.date | None = None
    """成文日期; None: not signed yet."""
    version: str = ""
    """`V1`."""
    mark: str = ""
    """`草稿`, `已替代`: over every page."""
    copies: str = ""
    printed_by: str = ""
    names: Names = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    """Slot → what the clerk says of a feed that was silent."""
    printed_before: Mapping[str, Earlier] = field(default_factory=dict)
    """Slot → the figure of the year before, as its own report printed it."""
    replaces: str = ""
    """The edition that this one replaces."""
    correction: str = ""
    """更正说明: why."""
    changes: tuple[Change, ...] = ()
    seals: tuple[Mapping[str, Any], ...] = ()
    """`{topic, partition, next, seal}`: the last seal of every partition at the cut-off."""


@dataclass(frozen=True)
class Line:
    """Where one printed number comes from: a line of the source table."""

    number: int
    slot: str
    key: str
    name: str
    labels: Mapping[str, str]
    first: str
    last: str
    region: str
    printed: str
    value: Decimal | None
    unit: str
    events: int
    coverage: str
    as_of: str
    definition: str
    """Hash of the definition."""
    aspect: str = ""
    """`同比` when the number is the change against the year before."""
    remark: str = ""


@dataclass(frozen=True)
class Content:
    """A report: the same for all renderings."""

    document: Document
    lines: tuple[Line, ...] = ()
    empty: tuple[str, ...] = ()
    """Hand-written paragraphs that nobody has written yet."""
    remarks: tuple[str, ...] = ()
    """What whoever signs has to know."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Title, version, period and the like, for JSON and workbook."""
