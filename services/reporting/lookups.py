"""Look-ups: events that carry, beside their own fields, those of a register as they were at the event's time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec

from services.contracts.event import Event
from services.reporting.catalogue import Catalogue
from services.reporting.definition import Definition
from services.reporting.question import Query
from services.reporting.register import History

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


def countable(definition: Definition) -> Definition:
    """The definition for events that carry what it looks up; its hash stays."""
    return replace(definition, lookups=())


class Lookups:
    """What events of one type look up."""

    def __init__(self, histories: Mapping[str, tuple[History, ...]]) -> None:
        self._histories = histories

    @classmethod
    async def of(
        cls, connection: asyncpg.Connection, of: Catalogue, definitions: Iterable[Definition], query: Query
    ) -> Lookups:
        """The registers that these definitions use; an exercise also finds what actually exists."""
        found = {}
        for name in {name for d in definitions for name in d.lookups}:
            found[name] = tuple([
                await of.histories.of(connection, of.registers[name], of.zone, status, known_at=query.known_at)
                for status in dict.fromkeys((query.status, "actual"))
            ])  # fmt: skip
        return cls(found)

    def enriched(self, event: Event) -> Event:
        """The event with what it looks up; a thing that is not there has no fields."""
        if not self._histories:
            return event
        data = _decode(event.data)
        for name, histories in self._histories.items():
            thing = data.get(f"{name}_id")
            states = (history.at(str(thing), event.time) for history in histories) if thing not in (None, "") else ()
            state = next(filter(None, states), None)
            data[name] = state.fields if state else None
        return msgspec.structs.replace(event, data=msgspec.Raw(_encode(data)))
