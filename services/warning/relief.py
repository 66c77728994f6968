"""Relief (交接班): which hand-overs and acceptances of a shift count.

One rule: a shift that is on duty, or has ended less than a day ago, hands over to the shift of its post that begins
when it ends; that one is on duty from the moment it accepts. An acceptance may name either of the two.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from services.warning.house.people import People, Shift
from services.warning.matter import Fact

HANDED, ACCEPTED = "duty.handed_over", "duty.handover_accepted"
FORGOTTEN = datetime.timedelta(hours=24)
"""Nobody has taken over for so long: the shift is closed as it is."""


class Relief:
    """What a shift and its neighbours have said about handing over; moments are told in the bureau's time."""

    def __init__(self, key: str, turn: Shift | None, facts: Sequence[Fact], people: People, zone: ZoneInfo) -> None:
        self.key, self.turn, self.people, self._zone = key, turn, people, zone
        self.before = people.before(turn) if turn else None
        self.next = people.after(turn) if turn else None
        self._handed = [f for f in facts if f.type == HANDED]
        self._accepted = [f for f in facts if f.type == ACCEPTED]
        self.refused: dict[bytes, str] = {}
        self.handed_over = self._first(self._handings(), "已经交过班")
        relieved = self._relieved()
        self.accepted = relieved.get(key)
        self.took_over = relieved.get(self.before.id) if self.before else None

    def _first(self, facts: Sequence[Fact], again: str) -> Fact | None:
        """The first counts; who comes later is told."""
        self.refused.update({f.key: again for f in facts[1:]})
        return facts[0] if facts else None

    def _handings(self) -> list[Fact]:
        """Those of this shift that the rule allows."""
        own = [f for f in self._handed if self._named(f) == self.key]
        self.refused.update({f.key: why for f in own if (why := self._too_soon_or_late(f))})
        return [f for f in own if f.key not in self.refused]

    def _too_soon_or_late(self, fact: Fact) -> str:
        """Why this shift cannot hand over; empty: it can, or its times are not known."""
        if self.turn is None:
            return ""
        if self.next is None:
            return "下一班尚未排定，没有人可接班"
        if fact.time < (begins := self.people.begins(self.turn)):
            return f"本班{begins.astimezone(self._zone):%m月%d日%H:%M}才当班，尚不能交班"
        return self._forgotten(fact)

    def _forgotten(self, fact: Fact) -> str:
        late = self.turn is not None and fact.time >= self.turn.to + FORGOTTEN
        return f"换班已过{FORGOTTEN // datetime.timedelta(hours=1)}小时，不再交接" if late else ""

    def _relieved(self) -> dict[str, Fact]:
        """Shift, this one or a neighbour → the acceptance that relieves it.

        That is the shift which the acceptance names when it waits for one, else the one before that.
        """
        found: dict[str, Fact] = {}
        for fact in self._accepted:
            named = self._named(fact)
            either = (named, self._before(named))
            waiting = next((s for s in either if s not in found and self._was_handed_over(s, fact.time)), None)
            late = self._forgotten(fact)
            if waiting and not late:
                found[waiting] = fact
            elif (waiting or named) == self.key:
                self.refused[fact.key] = late or ("已经接过班" if named in found else "尚未交班")
        return found

    def _before(self, shift: str) -> str:
        """The shift before this one or the next; empty: none that this one knows of."""
        if self.next is not None and shift == self.next.id:
            return self.key
        return self.before.id if self.before is not None and shift == self.key else ""

    def _was_handed_over(self, shift: str, at: datetime.datetime) -> bool:
        """Whether this shift or a neighbour had been handed over by then."""
        if shift == self.key:
            return self.handed_over is not None and self.handed_over.time <= at
        if shift not in self.people.shifts:
            return False
        begins = self.people.begins(self.people.shifts[shift])
        return any(self._named(f) == shift and begins <= f.time <= at for f in self._handed)

    def _named(self, fact: Fact) -> str:
        """The shift that a fact names: a neighbour, else this one."""
        named = str(fact.data.get("shift_id") or fact.subject)
        return named if named in [one.id for one in (self.before, self.next) if one] else self.key
