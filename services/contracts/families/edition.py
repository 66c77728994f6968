"""Figures recorded by hand, editions of the report, numbers of documents (报告)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Count, Date, Id, Moment, Number, Object, Personal, Text


class FigureRecorded(Data, frozen=True, kw_only=True):
    """A figure from before the hub, or one that no event can give."""

    about = row("figure.recorded", "数字填报", "statistic/from/to", origin="person", keys="statistic from to")
    example = {
        "statistic": "accidents_reported",
        "from": "2021-01-01",
        "to": "2021-11-30",
        "labels": {"scope": "city"},
        "value": 114,
        "unit": "起",
        "kind": "baseline",
        "basis_document": "2022年度法治政府建设报告",
        "page": "12",
    }

    statistic: Id | None = None
    from_: Date | None = None
    to: Date | None = None
    labels: Object | None = None
    value: Number | None = None
    unit: Text | None = None
    kind: Annotated[str, codes.FIGURE_KIND] | None = None
    basis_document: Text | None = None
    page: Text | None = None


class ReportEditionRequested(Data, frozen=True, kw_only=True):
    """A person asks for an edition."""

    about = row("report.edition_requested", "报告版次申请", "edition", origin="person")
    example = {
        "edition": "annual-2023-1",
        "template": "annual",
        "region_code": "320111",
        "from": "2023-06-01",
        "to": "2023-06-30",
        "cutoff": "2024-01-05T00:00:00+08:00",
        "author": "撰稿人甲",
    }

    edition: Id | None = None
    template: Text | None = None
    region_code: Text | None = None
    from_: Moment | None = None
    to: Moment | None = None
    cutoff: Moment | None = None
    author: Annotated[str, TEXT, Personal] | None = None
    revision: Count | None = None


class ReportParagraphWritten(Data, frozen=True, kw_only=True):
    """A person writes a paragraph."""

    about = row("report.paragraph_written", "报告段落撰写", "edition", origin="person")
    example = {"edition": "annual-2023-1", "slot": "hazards.intro", "text": "注意防范短时强降雨", "author": "撰稿人甲"}

    edition: Id | None = None
    slot: Text | None = None
    text: Text | None = None
    author: Annotated[str, TEXT, Personal] | None = None


class ReportStepCompleted(Data, frozen=True, kw_only=True):
    """An edition has passed a step."""

    about = row("report.step_completed", "报告流程步骤", "edition", origin="person")
    example = {"edition": "annual-2023-1", "step": "review", "by": "值班员甲"}

    edition: Id | None = None
    step: Text | None = None
    by: Annotated[str, TEXT, Personal] | None = None
    reason: Text | None = None
    """Why it goes back (退回)."""


class ReportEditionFrozen(Data, frozen=True, kw_only=True):
    """An edition is frozen."""

    about = row("report.edition_frozen", "报告版次定稿", "edition", origin="hub")
    example = {
        "edition": "annual-2023-1",
        "template": "annual",
        "region_code": "320111",
        "from": "2023-06-01",
        "to": "2023-06-30",
        "cutoff": "2024-01-05T00:00:00+08:00",
    }

    edition: Id | None = None
    template: Text | None = None
    region_code: Text | None = None
    from_: Moment | None = None
    to: Moment | None = None
    cutoff: Moment | None = None
    revision: Count | None = None
    content_sha256: Text | None = None
    """Of all that was frozen; `hub export` carries it."""
    figures: Object | None = None
    """What was frozen of each figure: its question → value."""


class ReportAnswerFrozen(Data, frozen=True, kw_only=True):
    """The figures of an answer are frozen."""

    about = row("report.answer_frozen", "答复数字定稿", "edition", origin="hub")
    example = {"edition": "annual-2023-1", "cutoff": "2024-01-05T00:00:00+08:00"}

    edition: Id | None = None
    cutoff: Moment | None = None
    content_sha256: Text | None = None
    figures: Object | None = None
    frozen: Text | None = None
    """All that was frozen, as JSON: the answer can be folded again from the ledger."""


class DocumentNumbered(Data, frozen=True, kw_only=True):
    """A document gets its number."""

    about = row("document.numbered", "文件编号", "series/number", origin="hub")
    example = {"series": "浦应急〔2023〕", "number": 12, "subject": "法治政府建设年度报告"}

    series: Text | None = None
    number: Count | None = None
    subject: Text | None = None
    refers_to: Id | None = None
    """The id of what got the number."""
    revision: Count | None = None


TYPES = (
    FigureRecorded,
    ReportEditionRequested,
    ReportParagraphWritten,
    ReportStepCompleted,
    ReportEditionFrozen,
    ReportAnswerFrozen,
    DocumentNumbered,
)
