"""Levels and kinds of message as the words of a warning tell them.

The structured field comes first. In free text the colour after 为 (升级为, 降级为, 变更为) counts, otherwise the first:
`更新暴雨红色预警为暴雨黄色预警` is yellow.
"""

from __future__ import annotations

import re
import unicodedata

from services.contracts.alert.model import COLOURS, Alert, Info

ZH = {"红": "red", "橙": "orange", "黄": "yellow", "蓝": "blue"}
_COLOUR = re.compile("[红橙黄蓝](?=色|$|[/预])")
_AFTER = re.compile("(?:升级|降级|变更|更新|调整|更改|升|降|改|换)?为[^红橙黄蓝。，；]{0,24}([红橙黄蓝])(?=色|$|[/预])")
_NUMERAL = re.compile("(?:\\[|【|\\()\\s*(IV|I{1,3})\\s*级?\\s*/|(IV|I{1,3}|[一二三四1234])级[^。，；]{0,6}预警")
_RANKS = {
    "I": "red", "II": "orange", "III": "yellow", "IV": "blue", "一": "red", "二": "orange", "三": "yellow",
    "四": "blue", "1": "red", "2": "orange", "3": "yellow", "4": "blue",
}  # fmt: skip
_ENGLISH = re.compile(r"\b(red|orange|yellow|blue)\b", re.I)
_SPOKEN = re.compile(r"\b(red|orange|yellow|blue)\s+(?:alert|warning|signal)|\bcode\s+(red|orange|yellow|blue)\b", re.I)
"""Orange County is no level."""
_NAMES_LEVEL = re.compile("colou?r|awareness_level|alert_?level|颜色|级别|等级", re.I)
_CANCELS = re.compile("解除|撤销|取消")
_UPDATES = re.compile("更新|继续|升级|降级|变更|确认|维持|续发")


def colour_in(text: str) -> str:
    """The colour that a text tells, English or Chinese, or by its number ([III级/较重], 二级预警); empty: none."""
    text = unicodedata.normalize("NFKC", text)
    if after := _AFTER.findall(text):
        return ZH[after[-1]]
    if first := _COLOUR.search(text):
        return ZH[first[0]]
    if english := _SPOKEN.search(text):
        return (english[1] or english[2]).lower()
    number = _NUMERAL.search(text)
    return _RANKS[number[1] or number[2]] if number else ""


def before_in(text: str) -> str:
    """The colour that a text says it was before: the first, when another follows after 为."""
    text = unicodedata.normalize("NFKC", text)
    first = _COLOUR.search(text)
    after = _AFTER.search(text)
    return ZH[first[0]] if first and after and first.start() < after.start(1) else ""


def structured(info: Info) -> str:
    """The colour in a field made for it; empty: none."""
    if info.colour in COLOURS:
        return info.colour
    values = [v.value for v in (*info.parameter, *info.event_code) if _NAMES_LEVEL.search(v.value_name)]
    return next((colour for value in values if (colour := _word(value))), "")


def _word(value: str) -> str:
    """The colour in a value of a field for levels: `Red`, `红色`, `红`, `2; yellow; Moderate`."""
    english = _ENGLISH.search(value)
    if english:
        return english[1].lower()
    return next((colour for word, colour in ZH.items() if word in value), "")


def written(info: Info) -> str:
    """The colour that the words of an information tell: headline, then event, then the first sentence."""
    texts = (info.headline, info.event, first_sentence(info.description))
    return next((colour for text in texts if (colour := colour_in(text))), "")


def colour_of(info: Info) -> str:
    """The level as told: by a field, else in words; empty: none."""
    return structured(info) or written(info)


def first_sentence(text: str) -> str:
    """A text up to the first full stop or colon."""
    return re.split("[。：:\n]", text, maxsplit=1)[0]


def kind_in(text: str) -> str:
    """What kind of message a headline tells: Cancel, Update or Alert."""
    if _CANCELS.search(text):
        return "Cancel"
    return "Update" if _UPDATES.search(text) or _AFTER.search(text) else "Alert"


def disagrees(alert: Alert) -> bool:
    """Whether an information has a level in a field and another one in its words."""
    return any(a and b and a != b for a, b in ((structured(info), written(info)) for info in alert.info))
