"""issuers.toml and map.geojson: whose warnings call people, and where regions lie."""

from __future__ import annotations

import json
from pathlib import Path

from services.contracts.region import Region, Regions
from services.runtime import bounds, issuers
from services.runtime.settings import ROOT

REGIONS = Regions([Region("990111", "江滨区", ""), Region("990111003", "石桥街道", "990111")])


def read(folder: Path, text: str) -> tuple[issuers.Issuers, list[tuple[int, str]]]:
    (folder / issuers.FILE).write_text(text, "utf-8")
    found, mistakes = issuers.read(folder, "990111")
    return found, [(mistake.line, mistake.what) for mistake in mistakes]


def may_call(found: issuers.Issuers, code: str, **more: str) -> bool:
    return found.may_call({"sender_code": code, **more})


def test_without_a_file_the_bureaus_own_station_calls_and_nobody_else(tmp_path: Path) -> None:
    found, mistakes = issuers.read(tmp_path, "990111")
    assert mistakes == []
    assert may_call(found, "99011141600000")
    assert not any(may_call(found, code) for code in ("99010041600000", "99000041600000", "88010141600000", ""))
    levels = [found.of(code).level for code in ("99011141600000", "99010041600000", "99000041600000", "99011241600000")]
    assert levels == ["own", "superior", "superior", "other"]
    assert found.may_call({"chain_id": "99011141600000/A_1"})
    assert not issuers.Issuers("").may_call({"sender_code": "99011141600000"})


def test_a_row_decides_before_the_code(tmp_path: Path) -> None:
    rows = """
[[issuer]]
name = "区气象台"
sender_code = "99011141600000"
level = "own"
[[issuer]]
name = "水文局"
sender = "hydrology@water.example"
trusted = true
severity = { Severe = "orange" }
"""
    found, mistakes = read(tmp_path, rows)
    assert mistakes == []
    assert not may_call(found, "99011141600000")
    assert may_call(found, "", sender="hydrology@water.example")
    assert found.of("", "hydrology@water.example").severity == {"Severe": "orange"}


def test_every_mistake_is_named_with_its_line(tmp_path: Path) -> None:
    rows = """[[issuer]]
name = 7
sender_code = "1"
level = "own "
[[issuer]]
sender = "a@b"
trusted = "yes"
severity = { Sever = "orange", Minor = "green" }
colour = 1
[[issuer]]
name = "a"
sender_code = "1"
[[issuer]]
name = "b"
level = "boss"
[other]
"""
    _, mistakes = read(tmp_path, rows)
    assert mistakes == [
        (2, "name 不是文字"), (2, "缺少 name"), (5, "缺少 name"), (7, "trusted 不是 true 或 false"),
        (8, "Minor 换算为 green, 不是颜色"), (8, "severity 没有 Sever"), (9, "不认识的项 colour"), (12, "1 已写过"),
        (13, "没有 sender_code 也没有 sender"), (15, "level 没有 boss"), (16, "不认识的表 other"),
    ]  # fmt: skip
    assert read(tmp_path, "issuer = 3")[1] == [(1, "issuer 不是列表")]
    assert "TOML" in read(tmp_path, "issuer = [")[1][0][1]


def test_the_example_is_without_mistake() -> None:
    found, mistakes = issuers.read(ROOT / "bureaus" / "example", "990111")
    assert mistakes == []
    assert may_call(found, "99011141600000")
    assert not may_call(found, "99000041600000")


def feature(code: str, kind: str = "Polygon") -> dict[str, object]:
    ring = [[110.0, 30.0], [110.4, 30.0], [110.4, 30.2], [110.0, 30.0]]
    coordinates = [[ring]] if kind == "MultiPolygon" else [ring]
    return {"properties": {"code": code}, "geometry": {"type": kind, "coordinates": coordinates}}


def test_a_map_gives_the_bounds_of_regions_by_code(tmp_path: Path) -> None:
    assert bounds.read(tmp_path, REGIONS) == ({}, [])
    file = tmp_path / bounds.FILE
    file.write_text(json.dumps({"features": [feature("990111003"), feature("990111", "MultiPolygon")]}), "utf-8")
    found, mistakes = bounds.read(tmp_path, REGIONS)
    assert mistakes == []
    assert found["990111003"] == found["990111"] == [[(30.0, 110.0), (30.0, 110.4), (30.2, 110.4), (30.0, 110.0)]]
    file.write_text(json.dumps({"features": [feature("7"), {"properties": {}}, 3]}), "utf-8")
    assert len(bounds.read(tmp_path, REGIONS)[1]) == 3
    file.write_text("[", "utf-8")
    assert len(bounds.read(tmp_path, REGIONS)[1]) == 1
