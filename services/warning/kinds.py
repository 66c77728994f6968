"""The kinds of matter: one row each. A new kind is one class and one row."""

from __future__ import annotations

from services.runtime.bureau import Bureau
from services.warning.alert import Alert
from services.warning.callout.ladder import Callout
from services.warning.channel_health import ChannelHealth
from services.warning.contact import Contact
from services.warning.drill import Drill
from services.warning.duty import Shift
from services.warning.feed import Feed
from services.warning.gaps import RosterGap
from services.warning.loops import rows
from services.warning.loops.kind import LoopKind
from services.warning.matter import Kind
from services.warning.notice import Notice
from services.warning.release import Release
from services.warning.response import Response
from services.warning.series import Series
from services.warning.silence import Silence

KINDS: tuple[Kind, ...] = (
    Alert(),
    Callout(),
    Contact(),
    Shift(),
    ChannelHealth(),
    RosterGap(),
    Feed(),
    Silence(),
    LoopKind(),
    Notice(),
    Series(),
    Release(),
    Response(),
    Drill(),
)


def of(bureau: Bureau) -> tuple[Kind, ...]:
    """The kinds of a bureau: its own loops may concern other events than the shipped ones."""
    own = LoopKind(rows.of(bureau))
    return tuple(own if kind.name == own.name else kind for kind in KINDS)
