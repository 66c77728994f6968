"""A plain second opinion: the figures of a bureau folder worked out in memory, with no code of the hub.

Everything here is written from the contract (sections 2 and 3) in the most pedestrian way; where it and the hub
disagree, one of them is wrong.
"""

from __future__ import annotations

import csv
import datetime
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

FOLDER = Path(__file__).resolve().parents[2] / "bureaus"
LIVE_DAYS = 400


@dataclass(frozen=True)
class Known:
    """An event that is in force."""

    order: int
    type: str
    subject: str
    time: datetime.datetime
    day: datetime.date
    region: str
    status: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """A row of figures.csv."""

    id: str
    query: str
    member: str
    value: Decimal
    unit: str
    zh: str


def figures(bureau: str) -> list[Figure]:
    """The published figures of a bureau."""
    with (FOLDER / bureau / "figures.csv").open(encoding="utf-8", newline="") as file:
        return [Figure(**{**row, "value": Decimal(row["value"])}) for row in csv.DictReader(file)]


class Oracle:
    """All figures of a bureau from the events in the order of their arrival."""

    def __init__(self, bureau: str, events: Iterable[dict[str, Any]]) -> None:
        folder = FOLDER / bureau
        settings = tomllib.loads((folder / "bureau.toml").read_text(encoding="utf-8"))
        self._zone = ZoneInfo(settings["timezone"])
        with (folder / "regions.csv").open(encoding="utf-8", newline="") as file:
            self._parents = {row["code"]: row["parent"] for row in csv.DictReader(file)}
        self._root = settings["region"]
        self.rows = _rows(folder / "statistics")
        self.known: dict[str, list[Known]] = {}
        for known in self._in_force(list(events)):
            self.known.setdefault(known.type, []).append(known)

    # what is in force

    def _in_force(self, events: list[dict[str, Any]]) -> Iterator[Known]:
        first: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
        for order, event in enumerate(events):
            first.setdefault((event["source"], event["id"]), (order, event))
        targets = {name: _target(event) for name, (_, event) in first.items()}
        corrected = {target for target in targets.values() if target in first}
        heads: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
        for name in first.keys() - corrected:
            root: tuple[str, str] = name
            while (before := targets[root]) is not None and before in first:
                root = before
            heads[root] = max(heads.get(root, (-1, {})), first[name], key=lambda found: found[0])
        for order, event in heads.values():
            if event["type"] != "event.retracted":
                yield self._known(order, event)

    def _known(self, order: int, event: dict[str, Any]) -> Known:
        time = datetime.datetime.fromisoformat(event["time"])
        return Known(
            order, event["type"], event.get("subject") or _subject(event), time, time.astimezone(self._zone).date(),
            self._resolved(event.get("region", self._root)), event.get("status", "actual"), event["data"],
        )  # fmt: skip

    def _resolved(self, code: str) -> str:
        while code and code not in self._parents:
            code = code[:-1]
        return code or self._root

    def _within(self, code: str, ancestor: str) -> bool:
        while code and code != ancestor:
            code = self._parents[code]
        return code == ancestor

    # questions

    def ask(self, query: str, member: str = "value") -> Decimal | None:
        """The answer to `key?from=…&to=…&label.NAME=…&region=…&status=…&compare=year`."""
        key, parameters = urlsplit(query).path, dict(parse_qsl(urlsplit(query).query, keep_blank_values=True))
        labels = {name[6:]: value for name, value in parameters.items() if name.startswith("label.")}
        first, last = (datetime.date.fromisoformat(parameters[name]) for name in ("from", "to"))
        where = {"region": parameters.get("region", self._root), "status": parameters.get("status", "actual")}
        now = self.value(key, labels, first, last, **where)
        if member == "value":
            return now
        before = self.value(key, labels, _year_before(first), _year_before(last), **where)
        if member == "compare.value":
            return before
        return _half_up(100 * (now - before) / before, "0.1") if before and now is not None else None

    def value(
        self,
        key: str,
        labels: dict[str, str],
        first: datetime.date,
        last: datetime.date,
        region: str = "",
        status: str = "actual",
    ) -> Decimal | None:
        """One figure."""
        row = self._row(key, labels)
        if "ratio" in row:
            sides = [_reference(row["ratio"][side]) for side in ("part", "whole")]
            part, whole = (self.value(k, given, first, last, region, status) for k, given in sides)
            return _half_up(100 * part / whole, "0.01") if whole and part is not None else None
        kind, _, field = row["measure"].partition(":")
        counted = [e for e in self._matching(row, labels, region or self._root, status) if e.day <= last]
        inside = [e for e in counted if e.day >= first]
        if not inside and kind not in ("last", "stock") and not self._live(row["event"], first, last):
            return None
        return MEASURES[kind](counted if kind in ("last", "stock") else inside, field, row)

    def _row(self, key: str, labels: dict[str, str]) -> dict[str, Any]:
        """The one row that a query means: its constants agree, and every other label is in `by`."""
        found = [
            row
            for row in self.rows[key]
            if all(labels.get(name) == value for name, value in row.get("labels", {}).items())
            and labels.keys() <= row.get("labels", {}).keys() | set(row.get("by", []))
        ]
        assert len(found) == 1, f"{key} {labels}: {len(found)} rows"
        return found[0]

    def _matching(self, row: dict[str, Any], labels: dict[str, str], region: str, status: str) -> Iterator[Known]:
        wanted = {name: value for name, value in labels.items() if name in row.get("by", [])}
        for event in self.known.get(row["event"], []):
            if (
                event.status == status
                and all(_meets(event.data.get(name), condition) for name, condition in row.get("where", {}).items())
                and all(_label(event.data.get(name)) == value for name, value in wanted.items())
                and self._within(event.region, region)
            ):
                yield event

    def _live(self, type_: str, first: datetime.date, last: datetime.date) -> bool:
        """Whether nothing means zero: that type was sent at all, at most 400 days before the end of the period."""
        since = min(first, last - datetime.timedelta(days=LIVE_DAYS))
        return any(since <= e.day <= last and e.status == "actual" for e in self.known.get(type_, []))


def _rows(folder: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.toml")):
        for key, value in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found.setdefault(key, []).extend(value if isinstance(value, list) else [value])
    return found


def _target(event: dict[str, Any]) -> tuple[str, str] | None:
    if "corrects" not in event:
        return None
    return event.get("correctssource", event["source"]), event["corrects"]


def _subject(event: dict[str, Any]) -> str:
    """Enough to tell subjects apart: the ids in the data (`stock` needs no more)."""
    return "/".join(str(v) for k, v in sorted(event["data"].items()) if k.endswith("_id"))


def _meets(value: Any, condition: Any) -> bool:
    if isinstance(condition, list):
        return value in condition
    if isinstance(condition, dict):
        assert condition == {"present": True}, f"the oracle does not know {condition}"
        return value is not None
    return bool(value == condition and isinstance(value, bool) == isinstance(condition, bool))


def _label(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _reference(text: str) -> tuple[str, dict[str, str]]:
    key, _, inner = text.rstrip("}").partition("{")
    return key, dict(pair.split("=") for pair in inner.split(",") if pair)


def _year_before(day: datetime.date) -> datetime.date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _half_up(value: Decimal, places: str) -> Decimal:
    return value.quantize(Decimal(places), ROUND_HALF_UP)


def _elements(events: Iterable[Known], field: str) -> list[Any]:
    values = [event.data.get(field) for event in events]
    return [one for value in values if value is not None for one in (value if isinstance(value, list) else [value])]


def _count(events: list[Known], _field: str, _row: dict[str, Any]) -> Decimal | None:
    return Decimal(len(events))


def _sum(events: list[Known], field: str, _row: dict[str, Any]) -> Decimal | None:
    return sum((Decimal(str(value)) for value in _elements(events, field)), Decimal(0))


def _distinct(events: list[Known], field: str, _row: dict[str, Any]) -> Decimal | None:
    return Decimal(len(set(_elements(events, field))))


def _last(events: list[Known], field: str, _row: dict[str, Any]) -> Decimal | None:
    having = [event for event in events if event.data.get(field) is not None]
    return Decimal(str(max(having, key=lambda e: (e.time, e.order)).data[field])) if having else None


def _stock(events: list[Known], field: str, row: dict[str, Any]) -> Decimal | None:
    """The latest of each subject, region and labels, summed."""
    latest: dict[Any, Known] = {}
    for event in sorted(events, key=lambda e: (e.time, e.order)):
        if event.data.get(field) is not None:
            labels = tuple(_label(event.data.get(name)) for name in row.get("by", []))
            latest[event.subject, event.region, labels] = event
    return _sum(list(latest.values()), field, row)


MEASURES: dict[str, Callable[[list[Known], str, dict[str, Any]], Decimal | None]] = {
    "count": _count,
    "sum": _sum,
    "distinct": _distinct,
    "last": _last,
    "stock": _stock,
}
