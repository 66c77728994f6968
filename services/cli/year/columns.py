"""The values of one field over all facts of a row: one function per rule that a recipe can name."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

Values = list[Any]


def column(rule: Any, times: Sequence[datetime.datetime], rng: random.Random) -> Values:
    """The field's value in each fact. Raises ValueError for a rule that does not exist or cannot be met."""
    count = len(times)
    if isinstance(rule, str) and "{n" in rule:
        return [rule.format(n=n) for n in range(1, count + 1)]
    if not isinstance(rule, dict):
        return [rule] * count
    name = next(iter(rule))
    if name == "days":
        return [(time + datetime.timedelta(days=int(rule["days"]))).isoformat() for time in times]
    if name not in RULES:
        raise ValueError(f"no such rule: {name}")
    return RULES[name](rule, count, rng)


def numbered(rule: Any) -> bool:
    """Whether the rule numbers things, so that one more fact is about one more thing."""
    return (isinstance(rule, str) and "{n" in rule) or (
        isinstance(rule, dict) and bool({"pool", "lists"} & rule.keys())
    )


def _value(rule: dict[str, Any], count: int, _rng: random.Random) -> Values:
    """`{value = {min = 1}}`: a constant that is a table itself."""
    return [rule["value"]] * count


def _pool(rule: dict[str, Any], count: int, rng: random.Random) -> Values:
    """`{pool = "QY", of = 117}`: one of 117 things; when there are that many facts, each at least once."""
    members = [f"{rule['pool']}-{n:04d}" for n in range(1, rule["of"] + 1)]
    if count < len(members):
        return rng.sample(members, count)
    values = members + rng.choices(members, k=count - len(members))
    rng.shuffle(values)
    return values


def _lists(rule: dict[str, Any], count: int, rng: random.Random) -> Values:
    """`{lists = "QY", of = 15260}`: each of 15260 things in some fact's list, a few in two."""
    members = [f"{rule['lists']}-{n:05d}" for n in range(1, rule["of"] + 1)]
    rng.shuffle(members)
    sizes = split(len(members), count, rng)
    lists, at = [], 0
    for size in sizes:
        lists.append(members[at : at + size] + ([members[at - 1]] if at and size % 5 == 0 else []))
        at += size
    return lists


def _sum(rule: dict[str, Any], count: int, rng: random.Random) -> Values:
    """`{sum = 2000, min = 1, max = 9, step = 1}`: parts of a total; text is money and stays text."""
    total = rule["sum"]
    if isinstance(total, str):
        cents = split(int(Decimal(total) * 100), count, rng, least=rule.get("min", 1) * 100)
        return [f"{Decimal(c) / 100:.2f}" for c in cents]
    step = rule.get("step", 1)
    if total % step:
        raise ValueError(f"{total} is no multiple of {step}")
    parts = split(total // step, count, rng, least=rule.get("min", 1), most=rule.get("max"))
    return [part * step for part in parts]


def _exactly(rule: dict[str, Any], count: int, rng: random.Random) -> Values:
    """`{exactly = [["general", 7439], ["major", 42]]}`: so many of each."""
    values = [value for value, times in rule["exactly"] for _ in range(times)]
    if len(values) != count:
        raise ValueError(f"{len(values)} values for {count} facts")
    rng.shuffle(values)
    return values


def _any(rule: dict[str, Any], count: int, rng: random.Random) -> Values:
    """`{any = ["table_top", "live"]}`: one of them."""
    return rng.choices(rule["any"], k=count)


def _between(rule: dict[str, Any], count: int, rng: random.Random) -> Values:
    """`{between = [1, 9]}`: a whole number."""
    low, high = rule["between"]
    return [rng.randint(low, high) for _ in range(count)]


def _some(rule: dict[str, Any], count: int, rng: random.Random) -> Values:
    """`{some = ["教育局", "民政局"], take = [1, 2]}`: a list of a few of them."""
    low, high = rule.get("take", [1, len(rule["some"])])
    return [rng.sample(rule["some"], rng.randint(low, high)) for _ in range(count)]


RULES: dict[str, Callable[[dict[str, Any], int, random.Random], Values]] = {
    "value": _value,
    "pool": _pool,
    "lists": _lists,
    "sum": _sum,
    "exactly": _exactly,
    "any": _any,
    "between": _between,
    "some": _some,
}


def split(total: int, parts: int, rng: random.Random, least: int = 1, most: int | None = None) -> list[int]:
    """A total in uneven parts, none below `least` or above `most`."""
    free = total - least * parts
    room = free if most is None else most - least
    if free < 0 or room * parts < free:
        raise ValueError(f"{total} cannot be split into {parts} parts of {least} to {most}")
    weights = [rng.lognormvariate(0, 0.5) for _ in range(parts)]
    scale = free / sum(weights)
    extra = [min(room, int(weight * scale)) for weight in weights]
    left = free - sum(extra)
    while left:
        at = rng.randrange(parts)
        if extra[at] < room:
            extra[at] += 1
            left -= 1
    return [least + more for more in extra]
