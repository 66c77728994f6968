"""A report as one HTML page: no script, nothing loaded, every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from html import escape

from services.reporting.report.content import Content
from services.reporting.report.sources import SEALS, TITLE
from services.runtime.document.model import Annex, Block, Chart, Document, Heading, Paragraph, Table, day

_STYLE = """
body{margin:0;background:#fff;color:#000;font:16pt/28.95pt FangSong,STFangsong,"Noto Serif SC",serif}
main{max-width:156mm;margin:20mm auto;padding:0 8mm;position:relative}
.issuer{color:#c00000;text-align:center;font-size:32pt;line-height:1.3;font-weight:700;margin:0 0 12mm}
.number{text-align:center;margin:0;border-bottom:1.5pt solid #c00000;padding-bottom:4mm;display:flex}
.number span{flex:1}
h1{font-size:22pt;line-height:1.4;text-align:center;margin:12mm 0 8mm}
h2,h3,h4{font-size:16pt;line-height:28.95pt;margin:0;text-indent:2em;font-weight:400}
h2{font-family:SimHei,"Noto Sans SC",sans-serif}h3{font-family:KaiTi,STKaiti,serif}
p{margin:0;text-indent:2em;text-align:justify;overflow-wrap:anywhere}
.flush{text-indent:0}.signed{text-align:right;padding-right:4em;margin-top:29pt}
sup{font-size:8pt;line-height:0}sup a{color:#1f4e9e;text-decoration:none}
figure{margin:8pt 0;overflow-x:auto}figcaption{text-align:center;font-size:12pt;line-height:1.6}
table{border-collapse:collapse;width:100%;font-size:12pt;line-height:1.5}
th,td{border:.5pt solid #000;padding:3pt 5pt;text-align:center;overflow-wrap:anywhere}
.small table{font-size:9pt}section.annex{break-before:page;margin-top:20mm;border-top:.5pt solid #999;padding-top:6mm}
.wide{width:max(100%,min(90vw,260mm));margin-left:50%;transform:translateX(-50%)}
.mark{position:fixed;inset:0;display:grid;place-items:center;font-size:120pt;color:#c0000014;
transform:rotate(-30deg);pointer-events:none}
.state{color:#c00000;text-align:center}svg{width:100%;height:auto}svg text{font-size:9px}
@media print{main{margin:0 auto}}
"""


def write(content: Content) -> bytes:
    """The page."""
    return "\n".join(_page(content.document)).encode()


def _page(it: Document) -> Iterator[str]:
    yield f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(it.title)}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body>"
    if it.watermark:
        yield f'<div class="mark" aria-hidden="true">{escape(it.watermark)}</div>'
    yield "<main>"
    if it.mark:
        yield f'<p class="state flush">{escape(it.mark)}</p>'
    yield f'<div class="issuer">{escape(it.issuer)}</div>'
    signer = f"<span>签发人：{escape(it.signer)}</span>" if it.signer else ""
    yield f'<div class="number"><span>{escape(it.number)}</span>{signer}</div><h1>{escape(it.title)}</h1>'
    if it.addressees:
        yield f'<p class="flush">{escape(it.addressees)}：</p>'
    yield from _blocks(it.blocks, 0)
    for n, annex in enumerate(it.annexes, 1):
        yield f"<p>{'附件：' if n == 1 else '　　　'}{_ordinal(it, n, '．')}{escape(annex.title)}</p>"
    date = f"<br>{day(it.date)}" if it.date else ""
    yield f'<p class="signed">{escape(it.signed)}{date}</p>'
    if it.remark:
        yield f"<p>（{escape(it.remark)}）</p>"
    if it.copies:
        yield f'<p class="flush">抄送：{escape(it.copies)}。</p>'
    for n, annex in enumerate(it.annexes, 1):
        yield from _annex(annex, _ordinal(it, n, ""))
    yield "</main></body></html>"


def _ordinal(it: Document, n: int, after: str) -> str:
    return f"{n}{after}" if len(it.annexes) > 1 else ""


def _annex(annex: Annex, ordinal: str) -> Iterator[str]:
    yield f'<section class="annex{" wide" if annex.wide else ""}"><p class="flush">附件{ordinal}</p>'
    yield f"<h1>{escape(annex.title)}</h1>"
    yield f'<div class="{"small" if annex.title in (TITLE, SEALS) else ""}">'
    yield from _blocks(annex.blocks, 1 if annex.title == TITLE else 0)
    yield "</div></section>"


def _blocks(blocks: Iterable[Block], anchors: int) -> Iterator[str]:
    """`anchors`: the rows of tables are the lines that marks lead to."""
    for block in blocks:
        match block:
            case Heading():
                yield f"<h{block.level + 1}>{escape(block.text)}</h{block.level + 1}>"
            case Paragraph():
                yield ("<p>" if block.indent else '<p class="flush">') + f"{_marked(block)}</p>"
            case Table():
                yield from _table(block, anchors=bool(anchors))
            case Chart():
                yield from _chart(block)


def _marked(block: Paragraph) -> str:
    """The text with its marks; a mark leads to its line."""
    said, at = [], 0
    for offset, mark in block.marks:
        number = mark.strip("※[]")
        said += [escape(block.text[at:offset]), f'<sup><a href="#line-{escape(number)}">{escape(mark)}</a></sup>']
        at = offset
    return "".join([*said, escape(block.text[at:])])


def _table(block: Table, *, anchors: bool) -> Iterator[str]:
    yield "<figure>" + (f"<figcaption>{escape(block.caption)}</figcaption>" if block.caption else "")
    yield "<table><thead><tr>" + "".join(f'<th scope="col">{escape(c)}</th>' for c in block.columns)
    yield "</tr></thead><tbody>"
    for row in block.rows:
        name = f' id="line-{escape(row[0])}"' if anchors else ""
        yield f"<tr{name}>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    yield "</tbody></table></figure>"


_WIDTH, _HEIGHT = 480, 200


def _chart(block: Chart) -> Iterator[str]:
    """Bars or a line, with the value at each."""
    top = max((*block.values, Decimal(0))) or Decimal(1)
    step = _WIDTH / max(1, len(block.values))
    at = [((n + 0.5) * step, _HEIGHT - float(value / top) * (_HEIGHT - 30)) for n, value in enumerate(block.values)]
    yield f'<figure><svg role="img" aria-label="{escape(block.caption)}" viewBox="0 0 {_WIDTH} {_HEIGHT + 24}">'
    if block.line:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        yield f'<polyline fill="none" stroke="#1f4e9e" stroke-width="1.5" points="{points}"/>'
    for (x, y), label, value in zip(at, block.labels, block.values, strict=True):
        if not block.line:
            box = f'x="{x - step * 0.3:.1f}" y="{y:.1f}" width="{step * 0.6:.1f}" height="{_HEIGHT - y:.1f}"'
            yield f'<rect fill="#1f4e9e" {box}/>'
        yield f'<text text-anchor="middle" x="{x:.1f}" y="{y - 4:.1f}">{value}</text>'
        yield f'<text text-anchor="middle" x="{x:.1f}" y="{_HEIGHT + 14}">{escape(label)}</text>'
    yield f'<path d="M0 {_HEIGHT}H{_WIDTH}" stroke="#000"/></svg>'
    yield f"<figcaption>{escape(block.caption)}</figcaption></figure>"
