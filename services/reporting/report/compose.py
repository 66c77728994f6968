"""Puts figures, hand-written paragraphs and head into a template: pure, the same input gives the same report."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from services.contracts.units import UNITS
from services.reporting.report import nodes, reading, sources, told
from services.reporting.report.content import Content, Head
from services.reporting.report.nodes import Each, Figure, Here, If, Named, Node, Plain, Test, Written
from services.reporting.report.slot import ABOUT, CHART, COMPARED, MYRIADS, NUMERAL, Slot
from services.reporting.report.sources import RECORDED, Sources, name_of
from services.reporting.report.template import Template
from services.reporting.report.told import Told
from services.runtime.document.model import (
    Annex,
    Block,
    Chart,
    Document,
    Heading,
    Paragraph,
    Table,
    day,
    numeral,
)  # fmt: skip

Answer = Mapping[str, Any]
ADDED_UP = frozenset({"count", "sum", "stock"})
_TIME = ("day", "month")


def compose(of: Template, figures: Mapping[str, Answer], paragraphs: Mapping[str, str], head: Head) -> Content:
    """The report. `figures`: question → answer; `paragraphs`: name → text."""
    return _Composer(figures, paragraphs, head).compose(of)


@dataclass
class _Sentence:
    """Words, with the small raised marks in them."""

    text: str = ""
    marks: list[tuple[int, str]] = field(default_factory=list)
    missing: str = ""
    """The unit of a figure just said to be missing: the sentence may not go on with it."""

    def say(self, text: str) -> None:
        """Words that follow."""
        if self.missing and text.startswith(self.missing):
            text = text[len(self.missing) :]
        self.missing = ""
        self.text += text

    def mark(self, text: str) -> None:
        """A mark at the end of what has been said."""
        self.marks.append((len(self.text), text))

    @property
    def paragraph(self) -> Paragraph:
        """As a paragraph."""
        return Paragraph(self.text, marks=tuple(self.marks))


@dataclass(frozen=True)
class _Numbered:
    """A block that gets its number when it is known what is left out; level 0 has none."""

    level: int
    block: Block
    heading: bool = False


@dataclass(frozen=True)
class _Part:
    """The part of a split figure that a loop is at."""

    slot: Slot
    answer: Answer
    labels: Mapping[str, str]


class _Composer:
    def __init__(self, figures: Mapping[str, Answer], paragraphs: Mapping[str, str], head: Head) -> None:
        self.figures, self.paragraphs, self.head = figures, paragraphs, head
        self.sources = Sources(head)
        self.empty: list[str] = []
        self.remarks: list[str] = []
        self.counted = {"表": 0, "图": 0}

    def compose(self, of: Template) -> Content:
        """All of it."""
        given = {name: self.sentence(body).text for name, body in of.settings.items()}
        title = self.sentence(of.heading).text
        blocks = tuple(_numbered(list(self.blocks(of.blocks, None))))
        lines = tuple(self.sources.lines)
        head = self.head
        annexes = (*self._correction(), *sources.annexes(lines, head, head.names))
        document = Document(
            issuer=given.get("标志") or head.bureau, title=title, number=head.number, signer=head.signer,
            addressees=given.get("主送", head.addressees).rstrip("：:"), blocks=blocks,
            signed=given.get("落款") or head.bureau, date=head.date, remark=self._remark(given.get("附注", "")),
            annexes=annexes, copies=given.get("抄送") or head.copies, printed_by=given.get("印发") or head.printed_by,
            mark=f"【{head.mark}】" if head.mark else "", watermark=head.mark,
        )  # fmt: skip
        return Content(document, lines, tuple(dict.fromkeys(self.empty)), tuple(self._all_remarks()), self._settings())

    def _settings(self) -> dict[str, str]:
        head = self.head
        return {
            "bureau": head.bureau, "from": head.first.isoformat(), "to": head.last.isoformat(), "region": head.region,
            "as_of": head.as_of.isoformat(), "number": head.number, "version": head.version, "mark": head.mark,
            "replaces": head.replaces,
        }  # fmt: skip

    def _remark(self, given: str) -> str:
        """附注: the template's, and what the marks in the text mean."""
        by_hand = any(line.remark and self._by_hand(line.slot) for line in self.sources.lines)
        said = [given] if given else []
        if by_hand:
            said.append(f"标{RECORDED}的数字由人工填报或取自历史基数")
        return "；".join(said)

    def _by_hand(self, id_: str) -> bool:
        return bool(told.told(self.figures[id_]).recorded)

    def _all_remarks(self) -> Iterator[str]:
        yield from self.remarks
        for name in dict.fromkeys(self.empty):
            yield f"待撰写：{name}"
        for line in self.sources.lines:
            if line.coverage == told.SILENT:
                yield f"第{line.number}行{line.name}：期内报送中断" + (f"，{line.remark}" if line.remark else "")

    def _correction(self) -> tuple[Annex, ...]:
        """更正说明: what is printed otherwise than in the edition that this one replaces."""
        head = self.head
        if not head.replaces or not (head.changes or head.correction):
            return ()
        blocks: list[Block] = [Paragraph(f"本文替代{head.replaces}。{head.correction}")]
        if head.changes:
            rows = tuple((self._name(change.slot), change.before, change.now) for change in head.changes)
            blocks.append(Table(("指标", "原刊载", "现刊载"), rows, (4, 2, 2)))
        return (Annex("更正说明", tuple(blocks)),)

    def _name(self, id_: str) -> str:
        answer = self.figures.get(id_)
        return f"{answer['definition']['zh']}（{id_}）" if answer else id_

    # --- blocks ---------------------------------------------------------------------------------------------------

    def blocks(self, body: tuple[Node, ...], part: _Part | None) -> Iterator[_Numbered]:
        """The blocks of a template, not yet numbered."""
        for node in body:
            match node:
                case nodes.Heading():
                    yield _Numbered(node.level, Heading(self.sentence(node.body, part).text, node.level), heading=True)
                case nodes.Paragraph():
                    yield from self._paragraph(node, part)
                case nodes.Drawn():
                    yield from self._drawn(node.slot)
                case If():
                    yield from self.blocks(node.body if self._holds(node.test, part) else node.otherwise, part)
                case Each():
                    parts = self._parts(node.slot)
                    for one in parts:
                        yield from self.blocks(node.body, one)
                    if not parts:
                        yield _Numbered(0, Paragraph(f"{self._zh(node.slot)}：{told.MISSING}。"))

    def _paragraph(self, node: nodes.Paragraph, part: _Part | None) -> Iterator[_Numbered]:
        if len(node.body) == 1 and isinstance(written := node.body[0], Written):
            level = node.level
            for sentence in self._written(written.name):
                yield _Numbered(level, sentence.paragraph)
                level = 0
            return
        sentence = self.sentence(node.body, part)
        if sentence.text:
            yield _Numbered(node.level, sentence.paragraph)

    def _zh(self, slot: Slot) -> str:
        return str(self.figures[slot.asked().id]["definition"]["zh"])

    # --- sentences ------------------------------------------------------------------------------------------------

    def sentence(self, body: tuple[Node, ...], part: _Part | None = None) -> _Sentence:
        """What some nodes say."""
        into = _Sentence()
        self._say(into, body, part)
        return into

    def _say(self, into: _Sentence, body: tuple[Node, ...], part: _Part | None) -> None:
        for node in body:
            match node:
                case Plain():
                    into.say(node.text)
                case Named():
                    into.say(self._named(node.name))
                case Figure():
                    self._figure(into, node.slot, part)
                case Here():
                    self._here(into, node, part)
                case Written():
                    for n, sentence in enumerate(self._written(node.name)):
                        _append(into, sentence, "；" if n else "")
                case If():
                    self._say(into, node.body if self._holds(node.test, part) else node.otherwise, part)
                case Each():
                    self._each(into, node)

    def _each(self, into: _Sentence, node: Each) -> None:
        parts = self._parts(node.slot)
        for n, one in enumerate(parts):
            into.say(node.joint if n else "")
            self._say(into, node.body, one)
        if not parts:
            into.say(told.MISSING)

    def _here(self, into: _Sentence, node: Here, part: _Part | None) -> None:
        if part is None:
            return
        (label,) = part.slot.by
        if node.what == "项":
            into.say(name_of(self.head.names, label, part.labels[label]))
            return
        self._print(into, part.slot.id, part.answer, told.part(part.answer, part.labels), part.labels, node.forms)

    def _figure(self, into: _Sentence, slot: Slot, part: _Part | None) -> None:
        asked = slot.asked()
        answer = self.figures[asked.id]
        labels = {name: part.labels[name] for name in slot.here} if part else {}
        one = told.part(answer, labels) if slot.here else told.told(answer)
        if COMPARED in slot.forms:
            self._change(into, asked.id, answer, one)
        else:
            self._print(into, asked.id, answer, one, labels, slot.forms)

    def _print(
        self, into: _Sentence, id_: str, answer: Answer, one: Told, labels: Mapping[str, str], forms: frozenset[str]
    ) -> None:
        if one.value is None:
            into.say(told.MISSING)
            self._mark(into, self.sources.line(id_, answer, one, told.MISSING, labels), one)
            into.missing = one.unit
            return
        printed = told.written(
            one.value, one.unit, myriads=MYRIADS in forms, about=ABOUT in forms, in_words=NUMERAL in forms
        )
        into.say(printed)
        self._mark(into, self.sources.line(id_, answer, one, printed, labels), one)

    def _mark(self, into: _Sentence, number: int, one: Told) -> None:
        into.mark(f"{RECORDED if one.recorded else ''}[{number}]")

    def _change(self, into: _Sentence, id_: str, answer: Answer, one: Told) -> None:
        """同比; where the report of then printed another number than is known now, both."""
        printed, exact = told.change(one)
        into.say(printed)
        was, unit = one.compare, one.unit if one.unit in UNITS else ""
        earlier = self.head.printed_before.get(id_)
        if earlier and was and was.value is not None and earlier.value != was.value:
            then = earlier.text or told.plain(earlier.value) + unit
            into.say(f"（{earlier.edition}刊载{then}，现核定{told.plain(was.value)}{unit}）")
        base = bool(was and was.comparable and was.reason == told.BASELINE)
        number = self.sources.line(id_, answer, one, printed, {}, COMPARED, exact)
        into.mark(f"{RECORDED if base or one.recorded else ''}[{number}]")

    def _written(self, name: str) -> list[_Sentence]:
        """A hand-written paragraph, line by line; it may cite figures of the template, and is words otherwise."""
        text = self.paragraphs.get(name, "").strip()
        if not text:
            self.empty.append(name)
            text = f"（待撰写：{name}）" if self.head.mark else ""
        return [self._cited(line.strip(), name) for line in text.splitlines() if line.strip()]

    def _cited(self, text: str, name: str) -> _Sentence:
        into = _Sentence()
        for words, tag in reading.tags(text):
            into.say(words)
            if not tag:
                continue
            slot = reading.cited(tag)
            if slot and not slot.by and not slot.here and slot.id in self.figures:
                self._figure(into, replace(slot, forms=self._answerable(slot)), None)
            elif tag in reading.HEAD_NAMES:
                into.say(self._named(tag))
            else:
                into.say(f"{{{{{tag}}}}}")
                self.remarks.append(f"段落 {name} 引用的 {tag} 不是本文的指标")
        return into

    def _answerable(self, slot: Slot) -> frozenset[str]:
        return slot.forms if self.figures[slot.id].get("compare") else slot.forms - {COMPARED}

    def _named(self, name: str) -> str:
        head = self.head
        return {
            "机构全称": head.bureau, "机构简称": head.short_name, "年度": str(head.last.year),
            "月份": str(head.last.month), "起": day(head.first), "止": day(head.last), "快照时间": _moment(head.as_of),
            "文号": head.number, "签发人": head.signer, "报送对象": head.addressees,
            "成文日期": day(head.date) if head.date else "", "版本": head.version,
            "区域": name_of(head.names, "region", head.region) if head.region else "",
        }[name]  # fmt: skip

    # --- conditions, loops, tables --------------------------------------------------------------------------------

    def _holds(self, test: Test, part: _Part | None) -> bool:
        if test.slot is None:
            return bool(self.paragraphs.get(test.written, "").strip()) is not test.negated
        answer = self.figures[test.slot.asked().id]
        labels = {name: part.labels[name] for name in test.slot.here} if part else {}
        value = (told.part(answer, labels) if test.slot.here else told.told(answer)).value
        return _meets(value, test.sign, test.limit) is not test.negated

    def _parts(self, slot: Slot) -> list[_Part]:
        answer = self.figures[slot.asked().id]
        return [_Part(slot, answer, dict(one["labels"])) for one in answer.get("parts") or ()]

    def _drawn(self, slot: Slot) -> Iterator[_Numbered]:
        answer = self.figures[slot.asked().id]
        parts = self._parts(slot)
        if not parts:
            yield _Numbered(0, Paragraph(f"{self._zh(slot)}：{told.MISSING}。"))
            return
        yield _Numbered(
            0, self._chart(slot, answer, parts) if CHART in slot.forms else self._table(slot, answer, parts)
        )

    def _caption(self, kind: str, slot: Slot, answer: Answer) -> str:
        self.counted[kind] += 1
        by = "、".join(self.head.names.get("", {}).get(name) or _BY.get(name, name) for name in slot.by)
        unit = "万元" if MYRIADS in slot.forms else answer["unit"]
        of = "".join(f"{name_of(self.head.names, name, value)}，" for name, value in slot.labels)
        return f"{kind}{self.counted[kind]}　{answer['definition']['zh']}（{of}按{by}，单位：{unit}）"

    def _cell(self, slot: Slot, answer: Answer, one: Told, labels: Mapping[str, str]) -> tuple[str, str]:
        """A number in a table without its unit, and its line."""
        if one.value is None:
            return "—", str(self.sources.line(slot.asked().id, answer, one, "—", labels))
        printed = told.written(one.value, "", myriads=MYRIADS in slot.forms, about=ABOUT in slot.forms)
        printed = printed.removesuffix("万元")
        line = self.sources.line(slot.asked().id, answer, one, printed, labels)
        return printed + (RECORDED if one.recorded else ""), str(line)

    def _table(self, slot: Slot, answer: Answer, parts: list[_Part]) -> Table:
        """One row to a part, and the figure itself."""
        names = self.head.names
        columns = [names.get("", {}).get(name) or _BY.get(name, name) for name in slot.by]
        rows = []
        for part in parts:
            cells = [name_of(names, name, part.labels[name]) for name in slot.by]
            rows.append((*cells, *self._cell(slot, answer, told.part(answer, part.labels), part.labels)))
        whole = self._cell(slot, answer, told.told(answer), {})
        measure = str(answer["definition"].get("measure") or "").partition(":")[0]
        last = "合计" if measure in ADDED_UP else "全部（不重复计）" if measure == "distinct" else "全部"
        rows.append((last, *[""] * (len(slot.by) - 1), *whole))
        widths = (*[4] * len(slot.by), 3, 2)
        heading = (*columns, str(answer["definition"]["zh"]), "来源行号")
        return Table(heading, tuple(rows), widths, self._caption("表", slot, answer))

    def _chart(self, slot: Slot, answer: Answer, parts: list[_Part]) -> Chart:
        labels, values, lines = [], [], []
        for part in parts:
            one = told.part(answer, part.labels)
            printed, line = self._cell(slot, answer, one, part.labels)
            named = "、".join(name_of(self.head.names, name, part.labels[name]) for name in slot.by)
            labels.append(named.removeprefix(f"{self.head.last.year}年"))
            values.append(
                Decimal(printed) if one.value is not None and ABOUT not in slot.forms else one.value or Decimal(0)
            )
            lines.append(int(line))
        source = f"来源：第{lines[0]}行" if len(lines) == 1 else f"来源：第{min(lines)}—{max(lines)}行"
        caption = f"{self._caption('图', slot, answer)}（{source}）"
        return Chart(tuple(labels), tuple(values), caption, line=slot.by[0] in _TIME)


_BY = {"region": "区域", "day": "日期", "month": "月份"}


def _append(into: _Sentence, other: _Sentence, joint: str) -> None:
    into.say(joint)
    at = len(into.text)
    into.say(other.text)
    into.marks += [(at + offset, mark) for offset, mark in other.marks]


def _meets(value: Decimal | None, sign: str, limit: Decimal) -> bool:
    if value is None:
        return False
    difference = value - limit
    return {
        "": value != 0, "=": difference == 0, "!=": difference != 0, ">": difference > 0, ">=": difference >= 0,
        "<": difference < 0, "<=": difference <= 0,
    }[sign]  # fmt: skip


def _moment(at: datetime.datetime) -> str:
    return f"{day(at.date())}{at.hour}时" + (f"{at.minute}分" if at.minute else "")


def _numbered(found: list[_Numbered]) -> Iterator[Block]:
    """Headings and points with their numbers; a heading under which nothing is left is left out."""
    counts = [0, 0, 0, 0]
    for at, one in enumerate(found):
        if one.heading and not any(True for _ in _under(found, at)):
            continue
        if not one.level:
            yield one.block
            continue
        counts[one.level - 1] += 1
        counts[one.level :] = [0] * (4 - one.level)
        yield _with_number(one.block, one.level, counts[one.level - 1])


def _under(found: list[_Numbered], at: int) -> Iterator[_Numbered]:
    """What stands under a heading, headings left out."""
    for one in found[at + 1 :]:
        if one.heading and one.level <= found[at].level:
            return
        if not one.heading:
            yield one


def _with_number(block: Block, level: int, number: int) -> Block:
    written = (f"{numeral(number)}、", f"（{numeral(number)}）", f"{number}．", f"（{number}）")[level - 1]
    if isinstance(block, Heading):
        return replace(block, text=written + block.text)
    if isinstance(block, Paragraph):
        marks = tuple((offset + len(written), mark) for offset, mark in block.marks)
        return replace(block, text=written + block.text, marks=marks)
    return block
