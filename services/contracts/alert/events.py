"""What warnings are about: codes of meteorological events (GB/T 35561-2017, class 11), their names and hazards."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """One code, its Chinese name, and the hazard of `codes.WEATHER_HAZARD` that it means."""

    code: str
    zh: str
    hazard: str


EVENTS = (
    Event("11B01", "台风", "typhoon"),
    Event("11B02", "龙卷风", "tornado"),
    Event("11B03", "暴雨", "rainstorm"),
    Event("11B04", "暴雪", "snow"),
    Event("11B05", "寒潮", "cold"),
    Event("11B06", "大风", "gale"),
    Event("11B07", "沙尘暴", "sandstorm"),
    Event("11B08", "低温冻害", "cold"),
    Event("11B09", "高温", "heat"),
    Event("11B10", "热浪", "heat"),
    Event("11B11", "干热风", "heat"),
    Event("11B12", "下击暴流", "convection"),
    Event("11B13", "雪崩", "snow"),
    Event("11B14", "雷电", "lightning"),
    Event("11B15", "冰雹", "hail"),
    Event("11B16", "霜冻", "frost"),
    Event("11B17", "大雾", "fog"),
    Event("11B18", "低空风切变", "other"),
    Event("11B19", "霾", "haze"),
    Event("11B20", "雷雨大风", "thunder_gale"),
    Event("11B21", "道路结冰", "road_icing"),
    Event("11B22", "干旱", "drought"),
    Event("11B23", "海上大风", "gale"),
    Event("11B24", "高温中暑", "heat"),
    Event("11B25", "森林火险", "forest_fire"),
    Event("11B26", "草原火险", "forest_fire"),
    Event("11B27", "冰冻", "road_icing"),
    Event("11B28", "空间天气", "other"),
    Event("11B29", "重污染", "haze"),
    Event("11B30", "低温雨雪冰冻", "cold"),
    Event("11B31", "强对流", "convection"),
    Event("11B32", "臭氧", "other"),
    Event("11B33", "大雪", "snow"),
    Event("11B34", "寒冷", "cold"),
    Event("11B35", "连阴雨", "other"),
    Event("11B36", "渍涝风险", "other"),
    Event("11B37", "地质灾害气象风险", "geological"),
    Event("11B38", "强降雨", "rainstorm"),
    Event("11B39", "强降温", "cold"),
    Event("11B40", "雪灾", "snow"),
    Event("11B41", "森林（草原）火险", "forest_fire"),
    Event("11B42", "医疗气象", "other"),
    Event("11B43", "雷暴", "lightning"),
    Event("11B44", "停课信号", "other"),
    Event("11B45", "停工信号", "other"),
    Event("11B46", "海上风险", "other"),
    Event("11B47", "春季沙尘天气趋势预警", "sandstorm"),
    Event("11B48", "降温", "cold"),
    Event("11B99", "其它气象灾害", "other"),
)
BY_CODE = {event.code: event for event in EVENTS}
SIGNALS = {
    "11B01": "BYOR", "11B03": "BYOR", "11B04": "BYOR", "11B05": "BYOR", "11B06": "BYOR", "11B07": "YOR",
    "11B09": "YOR", "11B14": "YOR", "11B15": "OR", "11B16": "BYO", "11B17": "YOR", "11B19": "YOR", "11B21": "YOR",
    "11B22": "OR",
}  # fmt: skip
"""The national signals (中国气象局令第16号) → the first letters of their colours. Provinces deviate."""
_NAMES = sorted((event for event in EVENTS if event.code != "11B99"), key=lambda event: -len(event.zh))
_CODE = re.compile(r"1[1-4][A-Z]\d\d")


def code_in(text: str) -> str:
    """The event code in a text like `11B20_yellow` or `11B2002`; empty when there is none."""
    found = _CODE.search(text.upper())
    return found[0] if found else ""


def named_in(text: str) -> Event | None:
    """The event whose name stands first in a text; of names that begin there the longest."""
    found = [(at, event) for event in _NAMES if (at := text.find(event.zh)) >= 0]
    return min(found, key=lambda one: one[0])[1] if found else None
