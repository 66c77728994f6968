"""The list of a hand-over (交接班): what the outgoing shift leaves open, from the matters; and who is on duty now."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.contracts import codes
from services.warning.house import House

Told = Mapping[str, Any]
"""A matter as its GET gives it."""
SOON = datetime.timedelta(hours=24)
"""A clock is on the list when its limit is so near."""
AWAITING = ("waiting", "handed_over", "late")
"""States of a shift that nobody has taken over from."""
NONE = "无"


@dataclass(frozen=True)
class Section:
    """A kind of open thing; in a hand-over none is left out, an empty one says 无."""

    key: str
    zh: str
    kind: str
    """The kind of matter."""
    open: Callable[[Told, datetime.datetime], bool]
    line: Callable[[Told], str]


def _moment(value: Any) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(value) if isinstance(value, str) and value else value or None


def _is_near(told: Told, now: datetime.datetime) -> bool:
    due = _moment(told.get("due"))
    return told.get("state") == "overdue" or (due is not None and due <= now + SOON)


def _alert(told: Told) -> str:
    areas = "、".join(area["name"] for area in told.get("areas") or ())
    return (
        f"{told.get('headline') or told['id']}（{codes.WEATHER_LEVEL.values.get(str(told.get('level')), '')}，{areas}）"
    )


def _callout(told: Told) -> str:
    where = told.get("organisation_name") or told.get("organisation")
    return f"{where} {told.get('post_name') or told.get('post')}：{_callout_state(told)}"


def _callout_state(told: Told) -> str:
    return {"calling": "正在叫应", "escalated": "已升级，仍未应答"}.get(str(told.get("state")), str(told.get("state")))


def _feed(told: Told) -> str:
    return f"{told.get('publisher')} {told.get('type_name') or told.get('type')}"


def _silence(told: Told) -> str:
    return f"{told.get('reason') or told['id']}（{told.get('owner') or ''}）"


def _titled(told: Told) -> str:
    names = ("title", "matter", "headline", "zh", "name")
    return str(next(filter(None, map(told.get, names)), None) or told["id"])


def _always(_told: Told, _now: datetime.datetime) -> bool:
    return True


def _awaits_approval(told: Told, _now: datetime.datetime) -> bool:
    return bool(told.get("pending")) or told.get("state") in ("drafted", "proposed", "submitted", "approved")


def _runs(told: Told, _now: datetime.datetime) -> bool:
    return told.get("state") == "started"


def _is_silent(told: Told, _now: datetime.datetime) -> bool:
    return told.get("state") == "silent"


def _is_failing(told: Told, _now: datetime.datetime) -> bool:
    return told.get("state") in ("failed", "failing", "down")


SECTIONS = (
    Section("alerts", "在效预警", "alert", _always, _alert),
    Section("callouts", "未结叫应", "callout", _always, _callout),
    Section("responses", "应急响应", "response", _runs, _titled),
    Section("clocks", "24小时内到期和逾期", "loop", _is_near, _titled),
    Section("gaps", "排班空缺", "roster_gap", lambda t, _n: t.get("state") == "gap", _titled),
    Section("notices", "待批提示单", "notice", _awaits_approval, _titled),
    Section("proposals", "待批响应", "response", _awaits_approval, _titled),
    Section(
        "feeds", "静默来源", "feed", _is_silent, lambda t: f"{t.get('publisher')} {t.get('type_name') or t.get('type')}"
    ),
    Section("channels", "故障通道", "channel", _is_failing, _titled),
    Section(
        "silences", "生效静默", "silence", _always, lambda t: f"{t.get('reason') or t['id']}（{t.get('owner') or ''}）"
    ),
)
KINDS = tuple(dict.fromkeys(section.kind for section in SECTIONS))
"""The kinds of matters that a hand-over asks for."""


def filled(shift: Told | None, matters: Mapping[str, Sequence[Told]], now: datetime.datetime) -> dict[str, Any]:
    """`{shift_id, state, to, next, at, sections: [{key, zh, items: [{id, text, due, state}]}], open_items, empty}`.

    `next` is the shift that takes over; `open_items` are the lines that `duty.handed_over` carries.
    """
    sections = [*(_section(s, matters.get(s.kind, ()), now) for s in SECTIONS), _log(shift)]
    lines = [f"{s['zh']}：{item['text']}" for s in sections for item in s["items"] if s["key"] != "log"]
    return {
        "shift_id": shift and shift["id"], **{name: shift and shift.get(name) for name in ("state", "to", "next")},
        "at": now, "sections": sections, "open_items": lines,
        "empty": not any(s["items"] for s in sections),
    }  # fmt: skip


def _section(section: Section, matters: Iterable[Told], now: datetime.datetime) -> dict[str, Any]:
    wanted = sorted((t for t in matters if section.open(t, now)), key=lambda t: (str(t.get("due") or "9"), t["id"]))
    items = [{"id": t["id"], "text": section.line(t), "due": t.get("due"), "state": t.get("state")} for t in wanted]
    return {"key": section.key, "zh": section.zh, "items": items}


def _log(shift: Told | None) -> dict[str, Any]:
    """What was written down in the shift."""
    entries = shift.get("log") or () if shift else ()
    items = [{"id": e.get("event"), "text": f"{e.get('kind') or '记事'}：{e.get('text') or ''}", "due": None,
              "state": None, "at": e.get("at")} for e in entries]  # fmt: skip
    return {"key": "log", "zh": "值班日志", "items": items}


def on_duty(house: House, shifts: Sequence[Told], now: datetime.datetime) -> list[dict[str, Any]]:
    """Whoever is on duty at every post now: `{organisation, post, persons, shift_id, from, to, by, handover}`.

    `handover` is the shift before when nobody has taken over from it yet.
    """
    by_end = sorted((t for t in shifts if _waits(t, now)), key=lambda t: str(t.get("to")))
    waiting = {(t.get("organisation"), t.get("post")): t for t in by_end}
    return list(_posts(house, waiting, now))


def _waits(told: Told, now: datetime.datetime) -> bool:
    to = _moment(told.get("to"))
    if told.get("state") == "handed_over":
        return True
    return bool(told.get("changes_hands")) and told.get("state") in AWAITING and to is not None and to <= now


def _posts(
    house: House, waiting: Mapping[tuple[Any, Any], Told], now: datetime.datetime
) -> Iterator[dict[str, Any]]:  # fmt: skip
    people = house.people
    for code, post in sorted(people.posts()):
        organisation = people.organisation(code)
        turn = next(iter(people.running(code, post, now)), None)
        before = waiting.get((code, post))
        yield {
            "organisation": code, "organisation_name": organisation.name if organisation else code, "post": post,
            "post_name": house.post(post), "by": "roster" if turn else "all",
            "persons": [{"person_id": p.id, "person": p.name} for p in people.on_duty(code, post, now)],
            "shift_id": turn and turn.id, "from": turn and turn.from_, "to": turn and turn.to,
            "handover": before and {
                "shift_id": before["id"], "person_id": before.get("person_id"), "person": before.get("person"),
                "state": before.get("state"),
            },
        }  # fmt: skip
