"""The units that a figure can have: one row each. Figures of different units are never added to each other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """One unit as printed in reports."""

    zh: str
    kind: str
    """What is counted: a percentage divides figures of one kind."""
    about: str
    adds: bool = True
    """False: not even two figures of this unit are added (shares, ranks, levels)."""


_ROWS: tuple[tuple[str, str, str], ...] = (
    # kind, units, about
    ("thing", "条 件 个 项 份 种 类 座 处 部 本 册 块 套 辆 台 幅 张 枚 篇 面 箱 顶 床 吨 千克 米 平方米 公顷",
     "things, matters and papers, each with its own measure word"),
    ("case", "起 宗 例", "accidents, incidents and cases"),
    ("party", "家 户 支 批 单位", "enterprises, households, teams"),
    ("visit", "家次 次 件次 批次 车次 班次", "times that something was done; the same party may come again"),
    ("person", "人 名 位", "different people"),
    ("attendance", "人次 名次", "people, counted each time"),
    ("session", "场 场次 期 届次 课时 讲", "meetings, lessons, drills"),
    ("money", "元", "CNY; amounts are kept in 元, a report prints 万元"),
    ("time", "秒 分钟 小时 天 日 个工作日 个月 年", "durations"),
)  # fmt: skip

_LEVELS: tuple[tuple[str, str], ...] = (
    ("%", "a share: 100 × part ÷ whole"),
    ("‰", "a share in thousandths"),
    ("级", "a level or how many levels"),
    ("等", "a class of prize"),
    ("届", "which edition"),
    ("分", "a score"),
    ("倍", "a plain quotient"),
    ("人/场", "people to a session"),
    ("元/件", "CNY to a case"),
)

UNITS: dict[str, Unit] = {
    **{zh: Unit(zh, kind, about) for kind, names, about in _ROWS for zh in names.split()},
    **{zh: Unit(zh, "level", about, adds=False) for zh, about in _LEVELS},
}

SHARES = frozenset({"%", "‰"})


def addable(one: str, other: str) -> bool:
    """Whether two figures of these units may be added: only of one and the same unit, and never shares or ranks."""
    return one == other and one in UNITS and UNITS[one].adds


def comparable(one: str, other: str) -> bool:
    """Whether one figure can be a share of the other: both count the same kind of thing."""
    return one in UNITS and other in UNITS and UNITS[one].kind == UNITS[other].kind
