"""Who asks the door: a key, or a person of a partner, who may do what their publisher's newest key may."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

from fastapi import Request

from services.contracts.region import Regions
from services.runtime import access, web
from services.runtime.accounts import PARTNER
from services.runtime.person import person_of


class Asker(NamedTuple):
    """What may be done, and by whom; `person` empty: by the key itself."""

    key: access.Key
    person: str = ""


def asker(who: access.Access, regions: Regions, request: Request, *, change: bool) -> Asker:
    """Who asks. Raises 401 for nobody, 403 for a person who is no partner's, or whose publisher has no key."""
    if header := request.headers.get("authorization"):
        key = who.authenticate(header)
        if key is None:
            raise web.unauthorized()
        return Asker(key)
    if request.cookies.get(web.SESSION_COOKIE) is None:
        raise web.unauthorized()
    person = person_of(who, request, PARTNER, change=change)
    key = who.key_of(person.publisher)
    if key is None:
        raise web.Refusal(403, f"publisher {person.publisher} has no key in use: hub keys add {person.publisher} …")
    return Asker(within(key, person.region, regions), person.name)


def within(key: access.Key, region: str, regions: Regions) -> access.Key:
    """The key, for no more than a region and what lies below it; '' = the whole bureau."""
    if not region or region == regions.root:
        return key
    return dataclasses.replace(key, scope=dataclasses.replace(key.scope, regions=tuple(_both(key, region, regions))))


def _both(key: access.Key, region: str, regions: Regions) -> Iterator[str]:
    """The regions that both the key and the person have; none in common: one that does not exist."""
    common = [
        region if regions.within(region, own) else own
        for own in key.scope.regions or (regions.root,)
        if own in regions and region in regions and (regions.within(region, own) or regions.within(own, region))
    ]
    yield from common or ("-",)
