"""Reads map.geojson: the bounds of a bureau's regions, so that polygons and circles of warnings become regions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from services.contracts.alert.geometry import Map, Point, thinned
from services.contracts.region import Regions
from services.contracts.rows import Mistake

FILE = "map.geojson"
CORNERS = 1_000
CODES = ("code", "adcode", "代码")
"""Properties of a feature in which its region's code stands."""


def read(folder: Path, regions: Regions) -> tuple[Map, list[Mistake]]:
    """Code → rings as (latitude, longitude), and every mistake; without the file there is no map."""
    path = folder / FILE
    if not path.exists():
        return {}, []
    try:
        document = msgspec.json.decode(path.read_bytes())
        features = list(document["features"])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        return {}, [_mistake(f"不是 GeoJSON: {error}", "放一个 FeatureCollection")]
    found: dict[str, list[list[Point]]] = {}
    mistakes = []
    for n, feature in enumerate(features, 1):
        try:
            code, rings = _feature(feature)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            mistakes.append(
                _mistake(f"第 {n} 个要素读不出: {error!r}", "要有 properties.code 和 Polygon 或 MultiPolygon")
            )
            continue
        if code not in regions:
            mistakes.append(_mistake(f"第 {n} 个要素的代码 {code} 不在 regions.csv", "改正代码, 或删去这个要素"))
        found.setdefault(code, []).extend(rings)
    return found, mistakes


def _feature(feature: Any) -> tuple[str, list[list[Point]]]:
    properties, geometry = feature["properties"], feature["geometry"]
    code = str(properties[next((name for name in CODES if name in properties), "code")])
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    # The first ring bounds a polygon; holes are regions of their own or nobody's.
    return code, [_ring(polygon[0]) for polygon in polygons]


def _ring(pairs: Any) -> list[Point]:
    """GeoJSON has the longitude first; a district needs no more than a thousand corners here."""
    return list(thinned([(float(pair[1]), float(pair[0])) for pair in pairs], CORNERS))


def _mistake(what: str, todo: str) -> Mistake:
    return Mistake(FILE, 1, what, todo)
