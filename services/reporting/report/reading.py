"""Reads the text of a template into its blocks; what is wrong is noted with its line, and the rest is read on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation

from services.contracts.rows import Mistake, advice
from services.reporting.report import nodes, slot
from services.reporting.report.nodes import Drawn, Each, Figure, Here, If, Named, Node, Plain, Test, Written
from services.reporting.report.slot import CHART, TABLE, Slot, Wrong

HEAD_NAMES = (
    "机构全称", "机构简称", "年度", "月份", "起", "止", "快照时间", "文号", "签发人", "报送对象", "成文日期",
    "版本", "区域",
)  # fmt: skip
"""What the head of a report gives."""
SETTINGS = ("标志", "主送", "落款", "附注", "抄送", "印发", "来源表")
"""What may stand as `名称: 值` above the title."""
PART = ("项", "值")
JOINT = "、"
_TAG = re.compile(r"\{\{((?:[^{}]|\{[^{}]*\})*)\}\}")
_HEADING = re.compile(r"(#{1,4})\s+(.*)")
_NUMBERED = re.compile(r"(?:(\d+)\.\s+|[（(]\d+[）)]\s*)")
_SETTING = re.compile(rf"({'|'.join(SETTINGS)})\s*[:：]\s*(.*)")
_TEXT = re.compile(r"text:\s*(\S+)")
_CONDITION = re.compile(rf"(!?)\s*(.*?)\s*(?:({'|'.join(nodes.SIGNS)})\s*(-?\d+(?:\.\d+)?)\s*)?")
_OPENS = re.compile(r"#(\w+)\s*(.*)", re.DOTALL)


@dataclass
class Read:
    """What a template's text says."""

    title: tuple[Node, ...] = ()
    settings: dict[str, tuple[Node, ...]] = field(default_factory=dict)
    blocks: tuple[Node, ...] = ()
    mistakes: list[Mistake] = field(default_factory=list)


def read(text: str, file: str) -> Read:
    """The template of a text."""
    return _Reader(file).read(text)


@dataclass
class _Open:
    """A loop or condition that is not closed yet."""

    word: str
    tag: str
    line: int
    body: list[Node] = field(default_factory=list)
    then: list[Node] | None = None
    """What stood before `{{else}}`."""


class _Nest:
    """Nodes inside loops and conditions, however deep."""

    def __init__(self, reader: _Reader) -> None:
        self.reader = reader
        self.open: list[_Open] = [_Open("", "", 0)]

    def add(self, node: Node) -> None:
        """One more."""
        self.open[-1].body.append(node)

    def control(self, tag: str, line: int, *, joint: str) -> bool:
        """Whether a tag opens, turns or closes, and doing so."""
        if opens := _OPENS.fullmatch(tag):
            self._begin(opens[1], opens[2].strip(), line)
        elif tag == "else":
            self._turn(line)
        elif tag.startswith("/"):
            self._end(tag[1:].strip(), line, joint)
        else:
            return False
        return True

    def _begin(self, word: str, rest: str, line: int) -> None:
        if word not in ("each", "if"):
            self.reader.wrong(line, f"不认识的 {{{{#{word}}}}}", advice(word, ["each", "if"]))
        if word == "each" and any(one.word == "each" for one in self.open):
            self.reader.wrong(line, "循环里又有循环", "先用 {{/each}} 结束外面的循环, 或用 |by=甲,乙|table 列成一张表")
        self.open.append(_Open(word, rest, line))

    def _turn(self, line: int) -> None:
        last = self.open[-1]
        if last.word != "if" or last.then is not None:
            self.reader.wrong(line, "{{else}} 不在 {{#if}} 里", "删去, 或在它前面写 {{#if 指标}}")
            return
        last.then, last.body = last.body, []

    def _end(self, word: str, line: int, joint: str) -> None:
        last = self.open[-1]
        if not last.word or last.word != word:
            todo = f"先写 {{{{/{last.word}}}}}" if last.word else f"删去, 或在前面写 {{{{#{word} …}}}}"
            self.reader.wrong(line, f"{{{{/{word}}}}} 没有对应的开始", todo)
            return
        self.open.pop()
        if node := self.reader.closed(last, joint):
            self.add(node)

    def close(self) -> tuple[Node, ...]:
        """All of them; what was left open is a mistake."""
        for one in self.open[1:]:
            self.reader.wrong(one.line, f"{{{{#{one.word} {one.tag}}}}} 没有结束", f"补上 {{{{/{one.word}}}}}")
        return tuple(node for one in self.open for node in one.body)


class _Reader:
    """Reads line by line."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.result = Read()
        self.nest = _Nest(self)
        self.gathered: list[tuple[int, str]] = []

    def wrong(self, line: int, what: str, todo: str) -> None:
        """Note a mistake."""
        self.result.mistakes.append(Mistake(self.file, line, what, todo))

    def read(self, text: str) -> Read:
        """All of it."""
        hidden = False
        for line, written in enumerate(text.lstrip("\ufeff").splitlines(), 1):
            bare = written.strip()
            hidden = hidden or bare.startswith("<!--")
            if not hidden:
                self._line(line, bare)
            hidden = hidden and not bare.endswith("-->")
        self._paragraph()
        self.result.blocks = self.nest.close()
        if not self.result.title:
            self.wrong(1, "没有标题", "写一行 # 标题")
        return self.result

    def _line(self, line: int, bare: str) -> None:
        if not bare:
            self._paragraph()
        elif heading := _HEADING.fullmatch(bare):
            self._paragraph()
            self._heading(line, len(heading[1]), heading[2])
        elif not self.result.title and not self.gathered and (setting := _SETTING.fullmatch(bare)):
            self.result.settings[setting[1]] = self.sentence([(line, setting[2])])
        elif (tag := _TAG.fullmatch(bare)) and self._is_control(tag[1].strip()):
            self._paragraph()
            self.nest.control(tag[1].strip(), line, joint="")
        else:
            if self.gathered and _NUMBERED.match(bare):
                self._paragraph()
            self.gathered.append((line, bare))

    def _is_control(self, tag: str) -> bool:
        return tag == "else" or tag.startswith(("#", "/"))

    def _heading(self, line: int, level: int, text: str) -> None:
        body = self.sentence([(line, text)])
        if level > 1:
            self.nest.add(nodes.Heading(level - 1, body))
        elif self.result.title:
            self.wrong(line, "标题写了两次", "各章用 ##, 各节用 ###")
        else:
            self.result.title = body

    def _paragraph(self) -> None:
        if not self.gathered:
            return
        lines, self.gathered = self.gathered, []
        (first, text), level = lines[0], 0
        if number := _NUMBERED.match(text):
            level = 3 if number[1] else 4
            lines[0] = (first, text[number.end() :])
        body = self.sentence(lines)
        drawn = [n for n in body if isinstance(n, Figure) and n.slot.forms & {TABLE, CHART}]
        if len(body) == 1 and drawn:
            self.nest.add(Drawn(drawn[0].slot))
            return
        for node in drawn:
            self.wrong(node.slot.line, f"{node.slot.id} 的表或图不在单独一段", "前后各空一行, 一段只写这一项")
        self.nest.add(nodes.Paragraph(body, level))

    # --- sentences ------------------------------------------------------------------------------------------------

    def sentence(self, lines: Iterable[tuple[int, str]]) -> tuple[Node, ...]:
        """The nodes of some lines, joined without a blank, as Chinese is."""
        nest = _Nest(self)
        for line, text in lines:
            at = 0
            for tag in _TAG.finditer(text):
                self._words(nest, line, text[at : tag.start()])
                inner = tag[1].strip()
                if not nest.control(inner, line, joint=JOINT) and (node := self._tag(inner, line)):
                    nest.add(node)
                at = tag.end()
            self._words(nest, line, text[at:])
        return nest.close()

    def _words(self, nest: _Nest, line: int, text: str) -> None:
        if "{{" in text or "}}" in text:
            self.wrong(line, "花括号不成对", "写成 {{…}}")
        elif text:
            nest.add(Plain(text))

    def _tag(self, tag: str, line: int) -> Node | None:
        name, *forms = (one.strip() for one in tag.split("|"))
        if written := _TEXT.fullmatch(tag):
            return Written(written[1], line)
        if name in PART:
            for form in forms:
                if form not in (slot.ABOUT, slot.MYRIADS):
                    self.wrong(line, f"{{{{{name}}}}} 后不认识的修饰 {form}", advice(form, [slot.ABOUT, slot.MYRIADS]))
            return Here(name, frozenset(forms), line)
        if name in HEAD_NAMES and not forms:
            return Named(name, line)
        if found := self._slot(tag, line):
            return Figure(found)
        return None

    def _slot(self, text: str, line: int) -> Slot | None:
        try:
            return slot.parse(text, line)
        except Wrong as error:
            known = not slot.KEY.match(text.strip())
            hint = advice(text.split("|")[0].strip(), [*HEAD_NAMES, *PART]) if known else error.todo
            self.wrong(line, error.what, hint)
            return None

    # --- loops and conditions -------------------------------------------------------------------------------------

    def closed(self, one: _Open, joint: str) -> Node | None:
        """The node that a closed loop or condition makes."""
        if one.word == "each":
            return self._each(one, joint)
        if one.word != "if":
            return None
        body, otherwise = (one.body, []) if one.then is None else (one.then, one.body)
        test = self._test(one)
        return If(test, tuple(body), tuple(otherwise)) if test else None

    def _each(self, one: _Open, joint: str) -> Each | None:
        reference, *options = one.tag.split("|")
        over, by, name = (part.strip() for part in reference.partition(" by "))
        if not (over and by and name) or "," in name:
            self.wrong(one.line, f"{{{{#each {one.tag}}}}} 没有说按什么", "写成 {{#each 指标键 by 标签}}, 标签只写一个")
            return None
        between = [o.strip().removeprefix("隔=") for o in options if o.strip().startswith("隔=")]
        rest = [o for o in options if not o.strip().startswith("隔=")]
        found = self._slot("|".join([over, *rest]), one.line)
        body = tuple(one.body)
        return Each(replace(found, by=(name,)), body, (between or [joint])[0]) if found else None

    def _test(self, one: _Open) -> Test | None:
        match = _CONDITION.fullmatch(one.tag)
        if not one.tag or not match:
            self.wrong(one.line, "{{#if}} 没有条件", "写成 {{#if 指标键}} 或 {{#if 指标键 > 10}}")
            return None
        negated, text, sign = bool(match[1]), match[2], match[3] or ""
        if written := _TEXT.fullmatch(text):
            return Test(written=written[1], negated=negated)
        try:
            limit = Decimal(match[4] or 0)
        except InvalidOperation:  # pragma: no cover - the pattern admits numbers only
            limit = Decimal(0)
        found = self._slot(text, one.line)
        return Test(slot=found, sign=sign, limit=limit, negated=negated) if found else None


# A hand-written paragraph may cite.


def tags(text: str) -> Iterator[tuple[str, str]]:
    """The words of a text, each with the tag that follows them; the last without."""
    at = 0
    for tag in _TAG.finditer(text):
        yield text[at : tag.start()], tag[1].strip()
        at = tag.end()
    yield text[at:], ""


def cited(tag: str) -> Slot | None:
    """The slot that a tag names, if it names one."""
    try:
        return slot.parse(tag)
    except Wrong:
        return None
