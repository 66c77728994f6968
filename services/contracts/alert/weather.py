"""The JSON in which weather services and their relays tell warnings: one small function per shape.

A shape names what it has; what it has not (references, areas) is not made up. The kind of message and the colour are
read from the words where no field tells them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from services.contracts.alert.events import BY_CODE, code_in, named_in
from services.contracts.alert.instant import BEIJING, compact, from_epoch, rfc3339
from services.contracts.alert.model import COLOURS, Alert, Area, Flaw, Info, Malformed, Reference, Value
from services.contracts.alert.wording import colour_in, first_sentence, kind_in

MAX_ITEMS = 500
_SENDER = re.compile(r"\d{6}[0-9A-Z]{8}")
_OFFICE = re.compile(
    r"(?:【[^】]*】)?(?:\d+月\d+日)?(.{2,40}?)(?:\d{2,4}年|\d+月|\d+日)?[\d年月日时分:：\s]*"
    "(?:继续|更新|升级|降级|变更|确认)*(?:发布|解除|撤销|取消|更新|变更)"
)
KINDS = {
    "active": "Alert", "alert": "Alert", "update": "Update", "cancel": "Cancel", "ack": "Ack", "error": "Error",
    "发布": "Alert", "更新": "Update", "解除": "Cancel",
}  # fmt: skip
LETTERS = {"01": "blue", "02": "yellow", "03": "orange", "04": "red"}
"""Levels of weather.com.cn and of codes like 11B2002."""
NMC_LEVELS = {"1": "red", "2": "orange", "3": "yellow", "4": "blue"}
"""Levels of nmc.cn's icons: the other way round."""
WEATHERCN = {
    "01": "11B01", "02": "11B03", "03": "11B04", "04": "11B05", "05": "11B06", "06": "11B07", "07": "11B09",
    "08": "11B22", "09": "11B14", "10": "11B15", "11": "11B16", "12": "11B17", "13": "11B19", "14": "11B21",
    "15": "11B25", "16": "11B20",
}  # fmt: skip
NMC = {
    "0001": "11B01", "0002": "11B03", "0003": "11B09", "0004": "11B05", "0005": "11B17", "0006": "11B04",
    "0007": "11B06", "0008": "11B07", "0009": "11B15", "0010": "11B22", "0011": "11B21", "0012": "11B14",
    "0013": "11B16", "0014": "11B19", "0015": "11B20",
}  # fmt: skip

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Shape:
    """One row of the register: whose JSON it is, by which way it comes, where its items lie, and how one is read."""

    name: str
    zh: str
    via: str
    items: Callable[[Any], Iterable[Any]]
    read: Callable[[Item], Alert]


def parse(body: bytes, shape: str) -> list[tuple[Alert, bytes]]:
    """The alerts in a document of a shape (KeyError for an unknown one), each with the JSON that told it.

    Raises Malformed with every flaw.
    """
    row = SHAPES[shape]
    try:
        document = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed([Flaw("", f"not JSON: {error}", "not_json")]) from error
    found, flaws = list[tuple[Alert, bytes]](), list[Flaw]()
    try:
        items = list(row.items(document))
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise Malformed([Flaw("", f"is not of the shape {shape}: {error!r}", "shape")]) from error
    for n, item in enumerate(items[: MAX_ITEMS + 1]):
        try:
            found.append((row.read(item), msgspec.json.encode(item)))
        except (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError, OSError) as error:
            flaws.append(Flaw(f"[{n}]", f"is not of the shape {shape}: {_reason(error)}", "shape"))
    if not items or len(items) > MAX_ITEMS:
        flaws.append(Flaw("", f"{len(items)} warnings: from 1 to {MAX_ITEMS}", "shape"))
    if flaws:
        raise Malformed(flaws)
    return found


def _reason(error: Exception) -> str:
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)[:200]


def _alert(
    identifier: Any, sent: str | None, headline: str, *, text: str = "", sender: str = "", kind: str = "",
    event_type: str = "", colour: str = "", area: str = "", area_name: str = "", onset: str | None = None,
    expires: str | None = None, references: Iterable[str] = (), source: str = "", web: str = "",
) -> Alert:  # fmt: skip
    """The alert that a shape's fields make; what is not told is read from the words."""
    if not isinstance(identifier, str) or not identifier or sent is None:
        raise ValueError("it has no identifier or no time")
    words = headline or first_sentence(text)
    event_type = event_type or (event.code if (event := named_in(words)) else "")
    colour = colour if colour in COLOURS else ""
    head = identifier.partition("_")[0]
    info = Info(
        language="zh-CN", category=("Met",), event=BY_CODE[event_type].zh if event_type in BY_CODE else "",
        event_type=event_type, severity=COLOURS.get(colour, "Unknown"), colour=colour, effective=sent,
        onset=onset or "", expires=expires or "", headline=headline, description=text, web=web,
        area=(Area(area_desc=area_name, geocode=(Value(value=area),)),) if area else (),
    )  # fmt: skip
    return Alert(
        format="weather", identifier=identifier, sender=sender or _office(words) or head, sent=sent, source=source,
        sender_code=head if _SENDER.fullmatch(head) else "", msg_type=KINDS.get(kind.lower()) or kind_in(words),
        references=tuple(Reference(identifier=one) for one in references), info=(info,),
    )  # fmt: skip


def _office(words: str) -> str:
    """Who issues, by the words before 发布."""
    found = _OFFICE.match(words[:200])
    return found[1].strip() if found else ""


def _text(item: Item, name: str) -> str:
    value = item.get(name)
    return value.strip() if isinstance(value, str) else ""


def _time(item: Item, name: str) -> str | None:
    return rfc3339(_text(item, name), BEIJING)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"a list is expected, not {type(value).__name__}")
    return value


def _nmc(item: Item) -> Alert:
    """nmc.cn/rest/findAlarm: the icon `p0007004` tells event and level."""
    icon = re.search(r"p(\d{4})\d\d(\d)", _text(item, "pic"))
    return _alert(
        item["alertid"], _time(item, "issuetime"), _text(item, "title"), source="nmc.cn",
        event_type=NMC.get(icon[1], "") if icon else "", colour=NMC_LEVELS.get(icon[2], "") if icon else "",
    )  # fmt: skip


def _cimiss(item: Item) -> Alert:
    """weather.cma.cn: `alarm[]`."""
    return _alert(
        item["id"], _time(item, "effective"), _text(item, "title"), text=_text(item, "description"),
        event_type=code_in(_text(item, "eventType")), colour=_text(item, "severity").lower(), source="weather.cma.cn",
    )  # fmt: skip


def _seniverse(item: Item) -> Alert:
    return _alert(
        item["identifier"], _time(item, "date"), _text(item, "title"), text=_text(item, "text"),
        sender=_text(item, "sender"), kind=_text(item, "status"), event_type=code_in(_text(item, "eventId")),
        colour=_text(item, "colorCode"), area=_text(item, "regionId"), expires=_time(item, "expiredAt"),
        references=re.split(r"[,\s]+", _text(item, "references")) if _text(item, "references") else (),
        source="seniverse",
    )  # fmt: skip


def _seniverse_items(document: Any) -> Iterator[Any]:
    for rule in _list(document["data"]):
        yield from _list(rule["data"])


def _qweather(item: Item) -> Alert:
    related = _text(item, "related")
    return _alert(
        item["id"], _time(item, "pubTime"), _text(item, "title"), text=_text(item, "text"),
        sender=_text(item, "sender"), kind=_text(item, "status"), event_type=code_in(_text(item, "type")),
        colour=colour_in(_text(item, "level")), onset=_time(item, "startTime"), expires=_time(item, "endTime"),
        references=[related] if related else (), source="qweather",
    )  # fmt: skip


def _caiyun(item: Item) -> Alert:
    """Caiyun `alert.content[]`: `code` is event and level of weather.com.cn, `pubtimestamp` a Unix time."""
    code = _text(item, "code")
    return _alert(
        item["alertId"], from_epoch(item["pubtimestamp"]), _text(item, "title"), text=_text(item, "description"),
        event_type=WEATHERCN.get(code[:2], ""), colour=LETTERS.get(code[2:], ""), area=_text(item, "adcode"),
        area_name=_text(item, "location"), source=_text(item, "source") or "caiyun",
    )  # fmt: skip


def _caiyun_items(document: Any) -> list[Any]:
    return document if isinstance(document, list) else _list(_down(document, "alert")["content"])


def _down(document: Any, name: str) -> Any:
    """A part of a document, or of its `result`."""
    return document[name] if name in document else document["result"][name]


def _weathercn(item: Item) -> Alert:
    """weather.com.cn: w1 to w3 place, w4 event, w6 level, w8 time, w9 text, w10 identifier."""
    place = [_text(item, name) for name in ("w1", "w2", "w3")]
    return _alert(
        item["w10"], _time(item, "w8"), "", text=_text(item, "w9"), source="weather.com.cn", web=_text(item, "w11"),
        event_type=WEATHERCN.get(_text(item, "w4"), ""), colour=LETTERS.get(_text(item, "w6"), ""),
        area=_text(item, "w10")[:6], area_name="".join(dict.fromkeys(place)),
    )  # fmt: skip


def _fanstudio(item: Item) -> Alert:
    """FAN Studio: its own identifier `620421-20260710023227-11B2002` of place, time, event and level."""
    place, _, rest = str(item["id"]).partition("-")
    digits, _, code = rest.partition("-")
    level = _text(item, "type").partition("_")[2] or LETTERS.get(code[5:], "")
    return _alert(
        item["id"], _time(item, "effective") or compact(digits), _text(item, "headline") or _text(item, "title"),
        text=_text(item, "description"), event_type=code_in(_text(item, "type") or code), colour=level, area=place,
        source="fanstudio",
    )  # fmt: skip


def _baidu(item: Item) -> Alert:
    """12379 as relayed by Baidu: `file` is the identifier, `tag` tells the rest."""
    tag = item["tag"]
    return _alert(
        item["file"], _time(tag, "effective") or _time(item, "public_time"), _text(item, "title"),
        text=_text(item, "text"), sender=_text(tag, "sender"), kind=_text(tag, "msg_type"),
        event_type=event.code if (event := named_in(_text(tag, "event_type"))) else "",
        colour=_text(tag, "level").lower(), source="12379",
    )  # fmt: skip


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("nmc", "中央气象台 findAlarm", "poll", lambda d: _list(d["data"]["page"]["list"]), _nmc),
        Shape("cimiss", "中国气象局 alarm", "poll", lambda d: d if isinstance(d, list) else _list(d["alarm"]), _cimiss),
        Shape("weathercn", "中国天气网 w1 至 w11", "poll", lambda d: _list(d["w"]), _weathercn),
        Shape("seniverse", "心知天气", "relay", _seniverse_items, _seniverse),
        Shape("qweather", "和风天气 warning", "poll", lambda d: _list(d["warning"]), _qweather),
        Shape("caiyun", "彩云天气 alert.content", "poll", _caiyun_items, _caiyun),
        Shape("fanstudio", "FAN Studio", "relay", lambda d: [d.get("Data") or d["data"]], _fanstudio),
        Shape("baidu", "12379 经百度转发", "relay", lambda d: _list(d["items"]), _baidu),
    )
}
"""Name of a shape (`?shape=`) → its row."""
