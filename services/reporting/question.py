"""A question for a figure: what `GET /reporting/statistics/{key}?…` means, or everything that is wrong with it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from services.contracts.event import STATUSES
from services.contracts.fields import ISO_DATE, moment
from services.contracts.rows import advice
from services.reporting import period
from services.reporting.catalogue import Ambiguous, Catalogue, Leaf
from services.reporting.definition import Definition, select
from services.reporting.period import Period

SPLITS = ("region", "day", "month")
"""What any figure can be split by besides its labels."""
PARAMETERS = ("from", "to", "region", "status", "drill", "by", "compare", "known_at", "tree")
MAX_PARTS = {"day": 3_700, "month": 1_200}
"""Parts of a split by time at most: ten years of days, a hundred of months."""
LABEL = "label."


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with a question."""

    field: str
    reason: str
    code: str


class Unclear(ValueError):
    """A question that has no answer: everything that is wrong with it, and the status that says so."""

    def __init__(self, status: int, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(p.reason for p in problems))
        self.status, self.problems = status, tuple(problems)


@dataclass(frozen=True)
class Query:
    """A question that has an answer."""

    definition: Definition
    leaves: tuple[Leaf, ...]
    """The tallied row it is worked out from; of a ratio part and whole."""
    period: Period
    region: str
    status: str = "actual"
    drill: str = ""
    """Empty: all drills of the status."""
    labels: Mapping[str, str] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    compare: bool = False
    known_at: datetime.datetime | None = None
    tree_now: bool = False

    @property
    def from_ledger(self) -> bool:
        """Whether the tally does not hold it: an earlier moment, or a look-up into a register."""
        return self.known_at is not None or any(leaf.definition.lookups for leaf in self.leaves)

    @property
    def every(self) -> str:
        """`day` or `month` when the figure is split by time, else empty."""
        return next((name for name in self.by if name in ("day", "month")), "")


def parse(
    key: str,
    parameters: Iterable[tuple[str, str]],
    catalogue: Catalogue,
    today: datetime.date,
    region: str = "",
    also: Sequence[str] = (),
) -> Query:
    """What the parameters of a request ask for.

    `region` is the default instead of the tree's root, `also` names parameters that somebody else reads. Raises
    Unclear: 404 for an unknown key or region, 422 for the rest.
    """
    return _Reader(key, parameters, catalogue, today, region or catalogue.regions.root, also).query()


class _Reader:
    """Reads the parameters of one question, and notes everything that is wrong."""

    def __init__(
        self, key: str, parameters: Iterable[tuple[str, str]], catalogue: Catalogue, today: datetime.date,
        region: str, also: Sequence[str],
    ) -> None:  # fmt: skip
        self.key, self.catalogue, self.today, self.region = key, catalogue, today, region
        self.known = (*PARAMETERS, *also)
        self.problems: list[Problem] = []
        self.values: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        self.by: list[str] = []
        for name, value in parameters:
            self._note(name, value.strip())

    def _note(self, name: str, value: str) -> None:
        if name == "by":
            self.by += [part.strip() for part in value.split(",") if part.strip()]
            return
        into, short = (self.labels, name.removeprefix(LABEL)) if name.startswith(LABEL) else (self.values, name)
        if into is self.values and name not in self.known:
            known = [*self.known, *(f"{LABEL}{label}" for label in self._label_names())]
            self._wrong(name, f"unknown parameter {name}: {_choice(name, known)}", "unknown_parameter")
        elif into.get(short, value) != value:
            self._wrong(name, f"{name} is given twice", "twice")
        else:
            into[short] = value

    def _wrong(self, name: str, reason: str, code: str) -> None:
        self.problems.append(Problem(name, reason, code))

    def _label_names(self) -> list[str]:
        rows = self.catalogue.rows.get(self.key, ())
        return sorted({name for d in rows for name in (*d.label_names, *dict(d.labels))})

    def query(self) -> Query:
        """The question. Raises Unclear."""
        if self.key not in self.catalogue.rows:
            hint = _choice(self.key, self.catalogue.rows)
            raise Unclear(404, [Problem("key", f"there is no statistic {self.key[:64]}: {hint}", "unknown_key")])
        if (region := self.values.get("region") or self.region) not in self.catalogue.regions:
            raise Unclear(404, [Problem("region", f"there is no region {region[:64]}", "unknown_region")])
        asked = self._period()
        definition, leaves = self._row()
        by = self._by(leaves, asked)
        query = Query(
            definition, leaves, asked, region, self._one_of("status", STATUSES, "actual"), self._drill(),
            {**dict(definition.labels), **self.labels}, by, self._one_of("compare", ("", "year"), "") == "year",
            self._known_at(), self._one_of("tree", ("", "now"), "") == "now",
        )  # fmt: skip
        if query.compare and asked.first.year == 1:
            self._wrong("compare", "there is no year before year 1", "out_of_range")
        if self.problems:
            raise Unclear(422, self.problems)
        return query

    # --- the row --------------------------------------------------------------------------------------------------

    def _row(self) -> tuple[Definition, tuple[Leaf, ...]]:
        """The one row that is meant, and the tallied rows it is worked out from."""
        rows = self.catalogue.rows[self.key]
        found = select(rows, self.key, self.labels)
        if len(found) != 1:
            self._unclear_row(rows, found)
            raise Unclear(422, self.problems)
        definition = found[0]
        try:
            leaves = self.catalogue.leaves(definition, self.labels)
        except Ambiguous as error:
            names = ", ".join(error.labels) or "no label"
            reason = f"{error.side}, a side of this ratio, cannot be told apart by {names}"
            self.problems += [Problem(LABEL + name, reason, "unknown_label") for name in error.labels or [""]]
            raise Unclear(422, self.problems) from error
        return definition, leaves

    def _unclear_row(self, rows: Sequence[Definition], found: Sequence[Definition]) -> None:
        if found:
            named = "; ".join(f"{_constants(d) or 'no label'} ({d.zh})" for d in found)
            self._wrong("label", f"{self.key} has several rows: {named}. Say which by its labels", "several_rows")
            return
        known = self._label_names()
        strange = [name for name in self.labels if name not in known]
        for name in strange:
            self._wrong(LABEL + name, f"{self.key} has no label {name}: {_choice(name, known)}", "unknown_label")
        if not strange:
            named = "; ".join(_constants(d) or "no label" for d in rows)
            self._wrong("label", f"no row of {self.key} has these labels together; there are: {named}", "unknown_label")

    def _by(self, leaves: tuple[Leaf, ...], asked: Period) -> tuple[str, ...]:
        names = set.intersection(*({*leaf.definition.label_names} for leaf in leaves)) | {*SPLITS}
        for name in self.by:
            if name not in names:
                self._wrong("by", f"{self.key} cannot be split by {name}: {_choice(name, names)}", "unknown_label")
        if {"day", "month"} <= set(self.by):
            self._wrong("by", "by day or by month, not both", "twice")
        for name in MAX_PARTS.keys() & set(self.by):
            count = asked.days if name == "day" else asked.days // 28
            if count > MAX_PARTS[name]:
                self._wrong("by", f"by {name}: at most {MAX_PARTS[name]} parts", "too_many")
        return tuple(dict.fromkeys(self.by))

    # --- single values --------------------------------------------------------------------------------------------

    def _period(self) -> Period:
        """From and to; either left out is the end of the other's year, both: the current year."""
        first, last = self._day("from"), self._day("to")
        whole = period.year(first or last or self.today)
        asked = Period(first or whole.first, last or whole.last)
        if asked.first > asked.last:
            self._wrong("from", f"from {asked.first} is after to {asked.last}", "from_after_to")
            return period.year(self.today)
        return asked

    def _day(self, name: str) -> datetime.date | None:
        text = self.values.get(name, "")
        try:
            if not text or ISO_DATE.fullmatch(text):
                return datetime.date.fromisoformat(text) if text else None
        except ValueError:
            pass
        self._wrong(name, f"{name} must be a date like 2023-06-30", "not_a_date")
        return None

    def _one_of(self, name: str, known: Sequence[str], otherwise: str) -> str:
        value = self.values.get(name) or otherwise
        if value not in known:
            self._wrong(name, f"{name} is one of {', '.join(filter(None, known))}", "unknown_value")
        return value

    def _drill(self) -> str:
        drill = self.values.get("drill", "")
        if drill and self.values.get("status", "actual") == "actual":
            self._wrong("drill", "a drill has no actual figures: add status=exercise", "status_needed")
        return drill

    def _known_at(self) -> datetime.datetime | None:
        """A moment with offset (a `+` sent as it is arrives as a blank), or a date: its 00:00 in the bureau."""
        text = self.values.get("known_at", "")
        if not text:
            return None
        if ISO_DATE.fullmatch(text) and (day := self._day("known_at")):
            return datetime.datetime.combine(day, datetime.time(), self.catalogue.zone)
        head, _, offset = text.rpartition(" ")
        at = moment(f"{head}+{offset}" if "T" in head.upper() else text)
        if at is None:
            self._wrong("known_at", "known_at must be a time with offset like 2023-06-30T08:00:00+08:00", "not_a_time")
        return at


def _constants(definition: Definition) -> str:
    return "&".join(f"{LABEL}{name}={value}" for name, value in definition.labels)


def _choice(name: str, known: Iterable[str]) -> str:
    return advice(name, known).replace("是否应为", "did you mean").replace("可用:", "there are")
