"""Recomputes every figure of all editions and the seals from a folder written by `hub export`, with Python alone.

python3 verify_edition.py FOLDER. `verify_export.py`, which checks digests, seals and account, must lie beside it.
"""

import datetime as dt
import json
import statistics
import sys
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from verify_export import lines, verify

FOREVER = dt.datetime.max.replace(tzinfo=dt.UTC)


def instant(text, zone=None):
    """A moment; of a date, with a zone, the end of that day."""
    if zone and len(text) == 10:
        return dt.datetime.combine(dt.date.fromisoformat(text) + dt.timedelta(1), dt.time(), zone)
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def number(value):
    """An exact number, or None."""
    try:
        return None if isinstance(value, bool) else Decimal(str(value))
    except ArithmeticError:
        return None


def at(path, event):
    """What stands at `a.b` of the data or at `@attribute`: a list without blanks."""
    found = event.get(path[1:]) if path[0] == "@" else event["data"]
    for name in [] if path[0] == "@" else path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return [v for v in (found if isinstance(found, list) else [found]) if v not in (None, "")]


def same(value, wanted):
    """Numbers by amount, else exactly."""
    exact = isinstance(value, bool) or isinstance(wanted, (bool, str))
    return type(value) is type(wanted) and value == wanted if exact else number(value) == number(wanted)


def order(value, limit):
    """A pair that can be compared, or None."""
    if not isinstance(limit, str):
        return (number(value), number(limit)) if number(value) is not None else None
    long = len(limit) > 10 and isinstance(value, str) and len(value) > 10
    return (instant(value), instant(limit)) if long else (value, limit) if isinstance(value, str) else None


SIGNS = {"ge": lambda p: p[0] >= p[1], "gt": lambda p: p[0] > p[1], "le": lambda p: p[0] <= p[1],
         "lt": lambda p: p[0] < p[1]}  # fmt: skip


def meets(condition, event):
    """Whether an event meets one condition."""
    values, op, wanted = at(condition["field"], event), condition["op"], condition.get("value")
    several = wanted if isinstance(wanted, list) else [wanted]
    if op in ("present", "absent"):
        return bool(values) == (op == "present")
    if op in ("eq", "in", "not"):
        return any(same(v, w) for v in values for w in several) != (op == "not")
    return any(SIGNS[op](pair) for v in values if (pair := order(v, wanted)))


def label(value):
    """A label as text."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else format(Decimal(str(value)).normalize(), "f")


class Edition:
    """One edition or answer, and the events that belong to it."""

    def __init__(self, frozen, ledger, misfits, positions):
        self.zone, self.cutoff = ZoneInfo(frozen["timezone"]), instant(frozen["cutoff"])
        read = {(p["topic"], p["partition"], p["epoch"]): p["next"] for p in frozen["positions"]}
        ends = {p["id"]: read.get((p["topic"], p["partition"], p["epoch"]), 0) for p in positions}
        rows = [e for e in ledger if e["at"][1] < ends[e["at"][0]] and e["recorded"] <= self.cutoff]
        self.frozen, self.rows, self.tree, self.histories = frozen, frozen["definitions"], defaultdict(list), {}
        for region in frozen["regions"]:
            self.tree[region["code"]].append(region)
        self.events = in_force(rows, misfits)
        self.registers = {r["name"]: r for r in frozen["registers"]}

    def within(self, code, ancestor, day, exactly=False):
        """Whether a region lies in another on a day."""
        while code != ancestor and code and not exactly:
            held = sorted(self.tree[code], key=lambda r: r.get("from_") or "")
            code = ([r for r in held if (r.get("from_") or "") <= day] or held[:1] or [{"parent": ""}])[-1]["parent"]
        return code == ancestor

    def state(self, name, moment):
        """What stood in a register at the end of a moment: thing -> event-like state, and how it came about."""
        register, found, waiting = self.registers[name], {}, defaultdict(list)
        if name not in self.histories:
            steps = [(act, s) for act in ("removed", "added", "changed") for s in register[act]]
            facts = [(e, act) for e in self.events for act in [next((a for a, s in steps if s["event"] == e["type"]
                     and all(meets(c, e) for c in s["where"])), "")] if act]  # fmt: skip
            self.histories[name] = sorted(facts, key=lambda f: (f[0]["when"], f[0]["recorded"], f[0]["key"]))
        for event, act in self.histories[name]:
            thing = event["data"].get(register["key"]) or event["subject"]
            if event["when"] > moment:
                break
            if act == "removed":
                waiting.pop(thing, None), found.pop(thing, None)
            elif act == "changed" and thing not in found:
                waiting[thing].append(event)
            else:
                for one in [event, *waiting.pop(thing, [])]:
                    old = found.get(thing, {"data": {}, "region": ""})
                    named = "region" not in [w.partition("=")[0] for w in one.get("filled", "").split()]
                    region = one["region"] if named or not old["region"] else old["region"]
                    fresh = {k: v for k, v in one["data"].items() if v not in (None, "")}
                    found[thing] = {"data": {**old["data"], **fresh}, "region": region, "subject": thing}
        ends = register["expires"]
        return {k: s for k, s in found.items() if not (ends and s["data"].get(ends)) or
                instant(s["data"][ends], self.zone) > moment}  # fmt: skip

    def takes(self, row, labels, event):
        """Whether an event has the labels that are asked for."""
        names = {path.lstrip("@").rpartition(".")[2]: path for path in row["by"]}
        return all(",".join(sorted(map(label, at(names[n], event)))) == v for n, v in labels.items() if n in names)

    def chosen(self, row, labels, first, last, region, exactly, where):
        """The events of a row, or what stands in its register."""
        if row["register"]:
            end = dt.datetime.combine(last + dt.timedelta(1), dt.time(), self.zone) - dt.timedelta(microseconds=1)
            rows = [(s, last.isoformat()) for s in self.state(row["register"], end).values()]
        else:
            back = row["measure"] and row["measure"]["kind"] in ("last", "stock")
            rows = [(self.enriched(row, e), e["day"]) for e in self.events if e["type"] == row["event"]
                    and e["day"] <= last.isoformat() and (back or e["day"] >= first.isoformat())]  # fmt: skip
        return [e for e, day in rows if self.within(e["region"], region, day, exactly)
                and all(meets(c, e) for c in where) and self.takes(row, labels, e)]  # fmt: skip

    def enriched(self, row, event):
        """The event with what it looks up in registers as they were at its time."""
        for name in row["lookups"]:
            state = self.state(name, event["when"]).get(str(event["data"].get(f"{name}_id")), {"data": None})
            event = {**event, "data": {**event["data"], name: state["data"]}}
        return event

    def value(self, row, labels, first, last, region, exactly=False):
        """One figure; None where there is nothing to tell."""
        given = (labels, first, last, region, exactly)
        if row["ratio"]:
            handed = {n: v for n, v in labels.items() if n not in dict(map(tuple, row["labels"]))}
            part, whole = (self.value(*self.side(s, handed), *given[1:]) for s in row["ratio"])
            return ratio(part, whole, row["unit"])
        if cohort := row["cohort"]:
            like = {**row, "event": cohort["event"], "cohort": None, "measure": {"kind": "count", "field": ""}}
            met, all_ = (len(self.chosen(like, *given, w)) for w in (cohort["of"] + cohort["met"], cohort["of"]))
            return ratio(Decimal(met), Decimal(all_), row["unit"])
        if row["manual"] or not row["measure"]:
            return self.recorded(row, *given[:4])
        return measured(row, self.chosen(row, *given, row["where"]))

    def side(self, reference, labels):
        """The row that a side of a ratio means, and its labels."""
        wanted = {**labels, **dict(map(tuple, reference["labels"]))}
        rows = [r for r in self.rows if r["key"] == reference["key"]
                and all(wanted.get(n) == v for n, v in r["labels"])]  # fmt: skip
        return max(rows, key=lambda r: len(r["labels"])), wanted

    def recorded(self, row, labels, first, last, region):
        """What a person recorded for exactly this; the last word holds."""
        days = (row["key"], first.isoformat(), last.isoformat())
        found = [e for e in self.events if e["type"] == "figure.recorded" and e["region"] == region and days ==
                 tuple(e["data"].get(n) for n in ("statistic", "from", "to")) and
                 {k: label(v) for k, v in (e["data"].get("labels") or {}).items()} == labels]  # fmt: skip
        found.sort(key=lambda e: (e["data"].get("kind", "manual") == "manual", e["recorded"]))
        return number(found[-1]["data"]["value"]) if found else None


def ratio(part, whole, unit):
    """Part by whole, two decimals, half up."""
    scale = {"%": 100, "‰": 1000}.get(unit, 1)
    return None if part is None or not whole else (part * scale / whole).quantize(Decimal("0.01"), ROUND_HALF_UP)


def measured(row, events):
    """What a measure makes of events."""
    kind, path = row["measure"]["kind"], row["measure"]["field"]
    if kind == "count":
        return Decimal(len(events))
    if kind == "distinct":
        return Decimal(len({label(v) for e in events for v in at(path, e)}))
    if kind in ("last", "stock"):
        by = defaultdict(list)
        for e in events:
            by[(e["subject"], e["region"], *(str(at(p, e)) for p in row["by"])) if kind == "stock" else ()].append(e)
        latest = [max((e for e in es if at(path, e)), key=lambda e: (e["when"], e["recorded"], e["key"]), default=None)
                  for es in by.values()]  # fmt: skip
        values = [number(v) for e in latest if e for v in (at(path, e) if kind == "stock" else at(path, e)[-1:])]
        return sum(values, Decimal(0)) if values or kind == "stock" else None
    values = [n for e in events for v in at(path, e) if (n := number(v)) is not None]
    if kind == "sum":
        return sum(values, Decimal(0))
    if not values:
        return None
    return {"max": max, "median": statistics.median, "mean": lambda v: (sum(v) / len(v)).quantize(
        Decimal("0.01"), ROUND_HALF_UP)}[kind](values)  # fmt: skip


def in_force(rows, misfits):
    """Of each chain of corrections the member that no other corrects and that was recorded last."""
    above, targets = {}, set()
    for e in rows:
        if e.get("corrects") and e["at"] not in misfits:
            above[e["key"]] = (e.get("correctssource") or e["source"], e["corrects"])
            targets.add(above[e["key"]])
    chains = defaultdict(list)
    for e in rows:
        root = e["key"]
        while root in above:
            root = above[root]
        if e["key"] not in targets and e["at"] not in misfits:
            chains[root].append(e)
    heads = [max(c, key=lambda e: (e["recorded"], e["source"], e["id"])) for c in chains.values()]
    return [e for e in heads if e["type"] != "event.retracted" and e.get("status", "actual") == "actual"]


def events(folder, zone):
    """The ledger, each event with its moments, local day, identity and place."""
    for row in lines(folder, "ledger"):
        e = json.loads(row["text"]) if "text" in row else row["record"]
        when = instant(e["time"])
        day = when.astimezone(zone).date().isoformat()
        yield {**e, "when": when, "recorded": instant(e["recordedtime"]), "day": day,
               "key": (e["source"], e["id"]), "at": (row["position"], row["offset"])}  # fmt: skip


def wrong(edition, figure):
    """Figure and parts that come out otherwise: what, frozen, found."""
    definition, labels = figure["definition"], figure["labels"]
    rows = [r for r in edition.rows if r["key"] == figure["key"] and all(labels.get(n) == v for n, v in r["labels"])]
    row = max(rows, key=lambda r: (dict(map(tuple, r["labels"])) == definition["labels"], len(r["labels"])))
    days = [dt.date.fromisoformat(figure[name]) for name in ("from", "to")]
    asked = [(figure["value"], labels, *days, figure["region"], False)]
    for part in figure.get("parts") or []:
        of = {n: v for n, v in part["labels"].items() if n not in ("day", "month", "region")}
        first, last = span(part["labels"].get("day") or part["labels"].get("month") or "", *days)
        region = part["labels"].get("region", figure["region"])
        exactly = "region" in part["labels"] and region == figure["region"]
        asked.append((part["value"], {**labels, **of}, first, last, region, exactly))
    for value, *question in asked:
        found = edition.value(row, *question)
        if found != number(value) and not (value is None and not found):
            yield f"{figure['key']} {question[0]} {question[1]}..{question[2]}", value, found


def span(name, first, last):
    """The days of a part named `2023-06` or `2023-06-30`."""
    if not name:
        return first, last
    begin = dt.date.fromisoformat(f"{name}-01"[:10])
    end = begin if len(name) == 10 else (begin + dt.timedelta(31)).replace(day=1) - dt.timedelta(1)
    return max(first, begin), min(last, end)


def main(folder):
    """Prints what is wrong; the number of faults."""
    faults = list(verify(folder))
    positions = list(lines(folder, "positions"))
    misfits = {(q["position"], q["offset"]) for q in lines(folder, "quarantine")}
    for row in lines(folder, "editions"):
        frozen = row["frozen"]
        edition = Edition(frozen, list(events(folder, ZoneInfo(frozen["timezone"]))), misfits, positions)
        found = [(slot, *one) for slot, figure in frozen["figures"].items() for one in wrong(edition, figure)]
        faults += [f"{frozen['id']}: {slot}: {what}: frozen {was}, found {now}" for slot, what, was, now in found]
        sys.stdout.write(f"{frozen['id']}: {len(frozen['figures'])} figures, {len(found)} wrong\n")
    sys.stdout.write("\n".join([*faults, f"{len(faults)} wrong" if faults else "verified"]) + "\n")
    return len(faults)


if __name__ == "__main__":
    sys.exit(1 if main(Path(sys.argv[1])) else 0)
