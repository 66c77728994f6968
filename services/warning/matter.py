"""A matter (事项): one warning, callout, notice, case or shift; how it stands follows from its facts and the clock.

A kind of matter is one class with pure functions. What a matter brings about (says, sends) stands in slots: the watch
says and sends what is new in them, corrects what has become another, and takes back what no longer holds.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from services.warning.world import World


@dataclass(frozen=True)
class Fact:
    """An event in force, as far as a matter needs it."""

    key: bytes
    """16 bytes that stand for (source, id)."""
    type: str
    source: str
    id: str
    subject: str
    time: datetime.datetime
    recorded: datetime.datetime
    handled: datetime.datetime
    """When the watch took it in."""
    region: str
    scope: str
    drill: str
    lane: str
    publisher: str
    data: Mapping[str, Any]
    target: bytes | None = None
    """The key of what it corrects or takes back."""
    retracts: bool = False
    first: datetime.datetime | None = None
    """Of a correction: when the first version was accepted."""

    @property
    def live(self) -> bool:
        """Whether anybody may be told because of it: imports tell nobody."""
        return self.lane != "history"


class Named(NamedTuple):
    """The matter of this key, or of which this or one of the others is a name; it opens one when there is none."""

    name: str
    also: tuple[str, ...] = ()
    situation: str = ""
    """What it is about: a parent of the matter."""
    joins: bool = False
    """It names nothing but itself: it belongs to the matter that is open in the same situation."""


class Under(NamedTuple):
    """All open matters of the kind that have this parent."""

    parent: str


Where = Named | Under


@dataclass(frozen=True)
class Say:
    """A conclusion: an event of the hub. Its id follows from the matter and the slot."""

    slot: str
    type: str
    data: Mapping[str, Any]
    time: datetime.datetime
    region: str = ""
    """Empty: the matter's."""
    cause: bytes | None = None
    """The fact it follows from. With it, it stands as said while that fact is in force; without, it follows the
    fold: another content corrects it, none takes it back."""
    lane: str = ""
    """`history` when it follows from imports alone."""
    grows: bool = False
    """It has a cause, and follows the fold all the same: what is known later is added by a correction."""


class Post(NamedTuple):
    """Whoever is on duty at a post of an organisation when the message is made; `rung` above it: deputy, superior."""

    organisation: str
    post: str
    rung: str = "post"


class Called(NamedTuple):
    """Everybody to whom something about a chain was sent."""

    chain: str


class Individual(NamedTuple):
    """One person, whoever is on duty."""

    person: str
    organisation: str = ""
    post: str = ""


@dataclass(frozen=True)
class Send:
    """Messages to people, made once."""

    slot: str
    to: Post | Called | Individual
    channels: Sequence[str]
    """In order of preference; all are used when `parallel`, else the first that the person has."""
    text: str | Callable[[], str]
    """Or what makes it: a message is made once, a fold asks for it again and again."""
    fresh: datetime.datetime
    """Nothing is handed over after this."""
    chain: str = ""
    callout: str = ""
    parallel: bool = True
    answerable: bool = False
    """The message carries a link that answers."""
    urgent: bool = True


@dataclass(frozen=True)
class Standing:
    """How a matter stands."""

    state: str
    shown: Mapping[str, Any]
    region: str
    closed: bool = False
    says: Sequence[Say] = ()
    sends: Sequence[Send] = ()
    wake: datetime.datetime | None = None
    due: datetime.datetime | None = None
    parents: Sequence[str] = ()
    names: Sequence[str] = ()
    refused: Mapping[bytes, str] = field(default_factory=dict)
    """Facts that had no effect, and why (Chinese: a person reads it)."""


class Kind(Protocol):
    """One kind of matter; a row of `services.warning.kinds.KINDS`."""

    name: str
    """Also the word of its list: `alerts` is `alert`."""
    types: frozenset[str]
    """The event types that concern it."""

    def where(self, fact: Fact, world: World) -> Iterable[Where]:
        """The matters that a fact concerns. A retraction goes where its target went, too."""

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """How the matter stands at `world.now`, from its facts in force by time; None: it is not open yet.

        Pure: the same facts and the same moment give the same answer, whatever the order of arrival.
        """


class Gone(NamedTuple):
    """A fact that was taken back, and what took it back."""

    fact: Fact
    by: Fact


@runtime_checkable
class Regretting(Protocol):
    """A kind that tells people when something it had told them was a mistake."""

    def regrets(self, key: str, gone: Sequence[Gone], world: World) -> Iterable[Send]:
        """What is to be said of what was taken back, whether the matter still stands or not."""
