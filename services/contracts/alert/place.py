"""Where an alert holds: which regions of the bureau its codes, polygons and circles mean."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from services.contracts.alert import geometry
from services.contracts.alert.geometry import Map, Ring
from services.contracts.alert.model import Alert, Area
from services.contracts.region import Regions

LEVELS = (2, 4, 6, 9, 12)
"""Digits of a province, city, county, street and community (GB/T 2260, GB/T 10114)."""
_CODE = re.compile(r"\d{2,12}")
_FOREIGN = re.compile("FIPS|SAME|UGC|EMMA|NUTS|WMO|CAP-CP|CLC", re.I)


@dataclass(frozen=True)
class Ground:
    """A bureau's tree of regions, and their bounds where there is a map."""

    regions: Regions
    map: Map = field(default_factory=dict)


def region_of(code: str, regions: Regions) -> str | None:
    """The region that a code of 2 to 12 digits means; None: outside the bureau.

    Zeros at the end say nothing. A part that the tree does not have lies in the next larger one it has; a superior of
    the root means the whole bureau.
    """
    if code in regions:
        return code
    if not _CODE.fullmatch(code) or not (short := code.rstrip("0")):
        return None
    size = next((size for size in LEVELS if size >= len(short)), len(short))
    exact = short.ljust(size, "0")
    for shorter in (s for s in reversed(LEVELS) if s <= size):
        for held in (exact[:shorter], exact[:shorter].ljust(6, "0")):
            if held in regions:
                return held
    return regions.root if regions.root.startswith(exact) else None


def rows_of(alert: Alert, ground: Ground) -> list[dict[str, Any]]:
    """The areas for the event: `code` and `name`, `region` where it lies in the bureau, `polygon` or `circle`.

    An alert without codes, and without bounds that a map can judge, holds where its sender is at home.
    """
    areas = [area for info in alert.info for area in info.area]
    rows = [row for area in areas for row in _rows(area, alert.format == "guotu", ground)]
    unjudged = not ground.map or not any(area.polygon or area.circle for area in areas)
    if unjudged and not any("code" in row for row in rows) and (home := alert.sender_code[:6]):
        named = [row["name"] for row in rows]
        rows.append(_row(home, "、".join(named) or alert.sender, ground) | {"by": "sender"})
    return [row for at, row in enumerate(rows) if row not in rows[:at]]


def regions_in(rows: Iterable[dict[str, Any]]) -> list[str]:
    """The bureau's regions among areas."""
    return list(dict.fromkeys(row["region"] for row in rows if row.get("region")))


def common(codes: Iterable[str], regions: Regions) -> str:
    """The smallest region that holds all of these; of none the root."""
    paths = [regions.path(code) for code in codes]
    steps = itertools.takewhile(lambda step: len(set(step)) == 1, zip(*paths, strict=False))
    return max((step[0] for step in steps), key=lambda code: len(regions.path(code)), default=regions.root)


def _rows(area: Area, is_guotu: bool, ground: Ground) -> Iterator[dict[str, Any]]:
    """An area's codes; of one without: the regions its bounds touch, and the bounds themselves."""
    codes = [g.value.strip() for g in area.geocode if not _FOREIGN.search(g.value_name)]
    codes = [code for several in codes for code in re.split("[,，\\s]+", several) if _known(code, ground.regions)]
    for code in codes:
        yield _row(code, area.area_desc, ground)
    if codes:
        return
    shapes = list(_shapes(area, is_guotu))
    yield from (
        _row(code, "", ground) | {"by": "map"} for code in _smallest(geometry.touched(shapes, ground.map), ground)
    )
    bounds = {"polygon": list(area.polygon), "circle": list(area.circle)}
    yield {"name": area.area_desc} | {name: texts for name, texts in bounds.items() if texts}


def _known(code: str, regions: Regions) -> bool:
    return bool(_CODE.fullmatch(code)) or code in regions


def _row(code: str, name: str, ground: Ground) -> dict[str, Any]:
    region = region_of(code, ground.regions)
    inside = {"region": region} if region else {}
    return {"code": code, "name": name or (ground.regions.get(region).name if region else ""), **inside}


def _shapes(area: Area, is_guotu: bool) -> Iterator[Ring]:
    yield from (geometry.polygon(text, swapped=is_guotu) for text in area.polygon)
    yield from (geometry.circle(text, metres=is_guotu) for text in area.circle)


def _smallest(codes: list[str], ground: Ground) -> list[str]:
    """Without those that hold another one of them."""
    held = [code for code in codes if code in ground.regions]
    above = {step for code in held for step in ground.regions.path(code)[:-1]}
    return [code for code in held if code not in above]
