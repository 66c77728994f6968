"""The histories of registers: folded from the ledger when asked, and kept until a new event of their types comes."""

from __future__ import annotations

import datetime
from collections import OrderedDict
from collections.abc import Hashable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from services.contracts.event import Event
from services.contracts.families import TYPES
from services.reporting import inforce
from services.reporting.register import Fact, History, Register, fold

KEPT = 32
"""Histories held at most: the one asked for longest ago goes first."""


class Histories:
    """Those of one bureau."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[int, History]] = OrderedDict()

    async def of(
        self,
        connection: asyncpg.Connection,
        register: Register,
        zone: ZoneInfo,
        status: str,
        drill: str = "",
        known_at: datetime.datetime | None = None,
    ) -> History:
        """What a register held at any time, as known at a moment (None: now). Call it in a transaction."""
        at = (register, zone.key, status, drill, known_at)
        version = await inforce.version(connection, register.types)
        kept = self._kept.get(at)
        if kept is None or kept[0] != version:
            facts = [
                found
                for type_ in register.types
                async for one in inforce.read(connection, type_, status, known_at)
                if drill in ("", one.event.drill) and (found := fact(register, one))
            ]
            kept = self._kept[at] = (version, fold(facts, register.expires, zone))
        self._kept.move_to_end(at)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return kept[1]


class _Filled(msgspec.Struct):
    filled: str = ""


_filled = msgspec.json.Decoder(_Filled).decode
_data = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
_ATTRIBUTES = ("id", "source", "type", "subject", "region", "status", "drill", "lane", "publisher", "cause")


def fact(register: Register, one: inforce.Standing) -> Fact | None:
    """What an event says to a register; None: nothing."""
    event = one.event
    data = _data(event.data)
    act = register.act(event.type, attributes(event), data)
    thing = _thing(register.key, event, data)
    if not act or not thing:
        return None
    present = {name: value for name, value in data.items() if value not in (None, "")}
    named = "region" not in _filled(one.body).filled.split()
    return Fact(event.time, event.recordedtime, one.key, act, thing, event.region, named, present)


def attributes(event: Event) -> dict[str, str]:
    """The envelope as conditions see it."""
    return {name: getattr(event, name) for name in _ATTRIBUTES}


def _thing(key: str, event: Event, data: dict[str, Any]) -> str:
    """The name of the thing: the data field, or the subject of a type whose subject it is."""
    value = data.get(key)
    if value in (None, ""):
        return event.subject if TYPES[event.type].subject == (key,) else ""
    return str(value)
