"""A letter (delivery): one message to one person by one channel, made in the transaction that decides it."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Iterator
from typing import NamedTuple

from services.warning.facts import status_of
from services.warning.house.people import Person
from services.warning.matter import Called, Individual, Post, Send
from services.warning.world import World

DESK = "console"
"""The channel that needs no address."""
EXERCISE = "【演练】"
"""Every text of an exercise begins with it."""


class Letter(NamedTuple):
    """A row of `delivery`; the order is the table's."""

    id: uuid.UUID
    kind: str
    scope: str
    matter: str
    slot: str
    chain: str
    callout: str
    organisation: str
    post: str
    person: str
    channel: str
    address: str
    text: str
    token: str
    urgent: bool
    made: datetime.datetime
    fresh: datetime.datetime
    next: datetime.datetime
    state: str


class Echo(NamedTuple):
    """A message to everybody who was called about a chain; the addresses are those of the letters before."""

    id: tuple[str, str, str]
    send: Send
    text: str


def letters(id_: tuple[str, str, str], send: Send, world: World) -> list[Letter | Echo]:
    """What a `Send` comes to at this moment. A test tells nobody."""
    status, _ = status_of(id_[1])
    if status == "test":
        return []
    text = (EXERCISE if status == "exercise" else "") + (send.text if isinstance(send.text, str) else send.text())
    if isinstance(send.to, Called):
        return [Echo(id_, send, text)]
    return list(_to_post(id_, send, send.to, text, world))


def _to_post(
    id_: tuple[str, str, str], send: Send, post: Post | Individual, text: str, world: World
) -> Iterator[Letter]:
    people = world.house.people
    ids = Ids(id_, send.slot)
    if isinstance(post, Individual):
        persons = [people.persons[post.person]] if post.person in people.persons else []
    else:
        persons = people.reach(post, world.now)
    for person in persons:
        ways = [(c, address) for c in send.channels if (address := _address(person, c))]
        for channel, address in ways if send.parallel else ways[:1]:
            yield _letter(ids, send, post, person.id, channel, address, text, world)
        if not ways:
            yield _letter(ids, send, post, person.id, send.channels[0], "", text, world)
    if not persons:
        yield _letter(ids, send, post, "", send.channels[0], "", text, world)


def _address(person: Person, channel: str) -> str:
    """Where a channel reaches somebody; everybody has a place at the desk."""
    return person.id if channel == DESK else person.addresses.get(channel, "")


class Ids:
    """The ids of the letters of one slot: made again from the same, after a restore say, a letter is the same letter,
    and a gateway that is given it twice sends it once."""

    def __init__(self, matter: tuple[str, str, str], slot: str) -> None:
        self.matter, self._slot = matter, slot
        self._given: dict[tuple[str, str], int] = {}

    def of(self, person: str, channel: str) -> uuid.UUID:
        """The next for this person by this channel."""
        n = self._given[person, channel] = self._given.get((person, channel), 0) + 1
        name = "\x1f".join([*self.matter, self._slot, person, channel, str(n)])
        return uuid.UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=5)


def _token(secret: bytes, id_: uuid.UUID) -> str:
    """96 bits that nobody can guess who does not know the secret."""
    if not secret:
        return secrets.token_urlsafe(12)
    return base64.urlsafe_b64encode(hmac.digest(secret, id_.bytes, "sha256")[:12]).decode()


def _letter(
    ids: Ids, send: Send, post: Post | Individual, person: str, channel: str, address: str, text: str,
    world: World,
) -> Letter:  # fmt: skip
    id_ = ids.of(person, channel)
    token = _token(world.secret, id_) if send.answerable and address else ""
    return Letter(
        id_, *ids.matter, send.slot, send.chain, send.callout, post.organisation, post.post, person, channel, address,
        text.replace("{link}", f"{world.origin}/n/{token}" if token else ""), token, send.urgent, world.now, send.fresh,
        world.now, "waiting",
    )  # fmt: skip
