"""What an alert means: its level as told, its chain, and the regions of the bureau where it holds."""

from __future__ import annotations

import math
import time

import pytest

from services.contracts import codes
from services.contracts.alert import reading
from services.contracts.alert.events import BY_CODE, EVENTS, SIGNALS, code_in, named_in
from services.contracts.alert.geometry import circle, inside, polygon, touched
from services.contracts.alert.meaning import chain_of, level_of, meaning
from services.contracts.alert.place import Ground, common, region_of
from services.contracts.alert.wording import before_in, colour_in, kind_in
from services.contracts.check import check_data
from services.contracts.region import Region, Regions
from tests.contracts.alert.messages import IDENTIFIER, OWN, cap, guotu, info

REGIONS = Regions(
    [
        Region("990111", "江滨区", ""),
        Region("990111003", "石桥街道", "990111"),
        Region("990111003001", "临溪社区", "990111003"),
        Region("990111003002", "石坊社区", "990111003"),
        Region("990111004", "临港街道", "990111"),
    ]
)
SQUARES = {
    "990111": [[(30.0, 110.0), (30.0, 110.4), (30.2, 110.4), (30.2, 110.0)]],
    "990111003": [[(30.0, 110.0), (30.0, 110.2), (30.2, 110.2), (30.2, 110.0)]],
    "990111004": [[(30.0, 110.2), (30.0, 110.4), (30.2, 110.4), (30.2, 110.2)]],
}
FLAT, MAPPED = Ground(REGIONS), Ground(REGIONS, SQUARES)


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("河南省气象局发布大风蓝色预警[IV级/一般]", "blue"),
        ("江滨区气象台更新暴雨红色预警为暴雨黄色预警", "yellow"),
        ("江滨区气象台将暴雨黄色预警升级为橙色", "orange"),
        ("江滨区气象台2026年7月16日3时解除雷电黄色预警信号", "yellow"),
        ("广东发布气象灾害(台风)二级预警", "orange"),
        ("发布道路结冰预警[Ⅲ级/较重]", "yellow"),
        ("发布道路结冰预警[III/较重]", "yellow"),
        ("发布道路结冰预警【Ⅰ级/特别严重】", "red"),
        ("Red warning for wind", "red"),
        ("Homeland Security Sets Code ORANGE", "orange"),
        ("Fire in Orange County", ""),
        ("偏北风5级，阵风7级，红旗街道注意", ""),
        ("黄河水位上涨", ""),
        ("", ""),
    ],
)
def test_a_colour_is_the_one_that_is_told_now(text: str, colour: str) -> None:
    assert colour_in(text) == colour


def test_what_it_was_before_is_told_too() -> None:
    assert before_in("江滨区气象台更新暴雨红色预警为暴雨黄色预警") == "red"
    assert before_in("江滨区气象台发布暴雨红色预警") == ""


@pytest.mark.parametrize(
    ("headline", "kind"),
    [
        ("气象台发布暴雨红色预警", "Alert"), ("气象台继续发布暴雨红色预警", "Update"),
        ("气象台解除暴雨红色预警", "Cancel"),
        ("气象台降级发布暴雨黄色预警", "Update"), ("将暴雨黄色预警改为橙色预警", "Update"),
    ],
)  # fmt: skip
def test_the_kind_of_message_is_read_from_its_headline(headline: str, kind: str) -> None:
    assert kind_in(headline) == kind


def test_the_highest_level_of_a_field_comes_before_words_and_these_before_a_conversion() -> None:
    severity = {"Severe": "orange"}
    level = "<parameter><valueName>{}</valueName><value>{}</value></parameter>"
    told = cap("A", info(headline="红色预警", more=level.format("awareness_level", "2; yellow; Moderate")), info())
    assert level_of(reading.parse(told), severity) == ("yellow", "field")
    assert level_of(reading.parse(cap("A", info(headline="红色预警"), info())), severity) == ("red", "text")
    assert level_of(reading.parse(cap()), severity) == ("orange", "converted")
    assert level_of(reading.parse(cap()), {}) == ("", "")


def test_a_chain_begins_with_the_earliest_message_referred_to() -> None:
    late, early = "a@b,LATE,2026-07-16T02:00:00+08:00", "a@b,EARLY,2026-07-16T01:00:00+08:00"
    assert chain_of(reading.parse(cap(kind="Update", references=f"{late} {early}"))) == "a@b/EARLY"
    assert chain_of(reading.parse(cap())) == "hydrology@water.example/FLOOD-1"
    assert chain_of(reading.parse(guotu("X_2", references=IDENTIFIER))) == f"{OWN}/{IDENTIFIER}"
    for sent in ("2026-07-16T03:10:00+08:00", "2026-07-16 03:10:00"):
        triple = f"{OWN},{IDENTIFIER},{sent}"
        assert chain_of(reading.parse(guotu("X_2", references=triple))) == f"{OWN}/{IDENTIFIER}"
    assert chain_of(reading.parse(guotu("X_2", references="88010141600000_20260716000000"))) == (
        "88010141600000/88010141600000_20260716000000"
    )
    assert chain_of(reading.parse(guotu(references=IDENTIFIER))) == f"{OWN}/{IDENTIFIER}"


def test_both_formats_of_one_warning_have_one_chain() -> None:
    update = reading.parse(guotu("A_2", kind="Update", references=IDENTIFIER))
    assert chain_of(reading.parse(reading.RENDER["cap"](update))) == chain_of(update)


@pytest.mark.parametrize(
    ("code", "region"),
    [
        ("990111003001", "990111003001"), ("990111003000", "990111003"), ("990111000000", "990111"),
        ("990111", "990111"),
        ("990111003009", "990111003"),  # a community that the tree does not have
        ("990111009000", "990111"),
        ("990100000000", "990111"), ("990100", "990111"), ("990000000000", "990111"), ("99", "990111"),
        ("990110000000", None),  # a sister, not a superior: its zero is no padding
        ("990112000000", None), ("880000000000", None), ("000000", None), ("江滨", None), ("", None),
    ],
)  # fmt: skip
def test_a_code_means_a_region_or_lies_outside(code: str, region: str | None) -> None:
    assert region_of(code, REGIONS) == region


def test_several_regions_lie_in_their_common_one() -> None:
    assert common(["990111003001", "990111003002"], REGIONS) == "990111003"
    assert common(["990111003001", "990111004"], REGIONS) == "990111"
    assert common(["990111003001"], REGIONS) == "990111003001"
    assert common([], REGIONS) == "990111"


def test_codes_of_other_countries_are_no_regions() -> None:
    foreign = "<geocode><valueName>FIPS6</valueName><value>990111</value></geocode>"
    assert meaning(reading.parse(cap("A", info(area=foreign))), FLAT).data["outside"] is True


def polygons(text: str) -> list[str]:
    found = meaning(reading.parse(cap("A", info(area=text))), MAPPED).data["areas"]
    return [area["region"] for area in found if "region" in area]


def test_polygons_and_circles_become_the_smallest_regions_they_touch() -> None:
    assert polygons("<polygon>30.05,110.05 30.05,110.1 30.1,110.1 30.05,110.05</polygon>") == ["990111003"]
    assert polygons("<polygon>30.05,110.1 30.05,110.3 30.1,110.3 30.05,110.1</polygon>") == ["990111003", "990111004"]
    assert polygons("<polygon>20,100 20,120 40,120 40,100 20,100</polygon>") == ["990111003", "990111004"]
    assert polygons("<polygon>1,1 1,2 2,2 1,1</polygon>") == []
    assert polygons("<circle>30.1,110.35 1</circle>") == ["990111004"]
    assert polygons("<circle>30.1,110.35 20</circle>") == ["990111003", "990111004"]
    assert polygons("<circle>nowhere</circle>") == []


def test_bounds_without_a_map_hold_where_the_sender_is_at_home() -> None:
    body = guotu(geocode="", area="110.05,30.05 110.1,30.05 110.1,30.1 110.05,30.05")
    rows = meaning(reading.parse(body), FLAT).data["areas"]
    assert [row.get("region") for row in rows] == [None, "990111"]
    rows = meaning(reading.parse(body), MAPPED).data["areas"]
    assert [row.get("region") for row in rows] == ["990111003", None]


def test_geometry() -> None:
    square = polygon("0,0 0,1 1,1 1,0 0,0")
    assert inside((0.5, 0.5), square)
    assert not inside((1.5, 0.5), square)
    assert polygon("0,0 1") == polygon("") == []
    assert polygon("110,30 111,30 111,31", swapped=True)[0] == (30.0, 110.0)
    assert len(circle("110,30 5000", metres=True)) == 32
    bent = polygon("0,0 0,9 1,9 1,1 9,1 9,0 0,0")
    assert touched([bent], {"same": [bent], "beside": [polygon("20,20 20,21 21,21")]}) == ["same"]
    assert touched([square, []], {"in": [square], "out": [polygon("5,5 5,6 6,6")]}) == ["in"]


def test_the_event_fits_the_register() -> None:
    for body in (guotu(), guotu(kind="Ack"), cap(), guotu(kind="Cancel", status="Exercise")):
        means = meaning(reading.parse(body), FLAT, {"Severe": "orange"})
        assert check_data("weather.alert_received", means.data) == []
    assert means.status == "exercise"
    assert meaning(reading.parse(guotu(kind="Error", references="X_1")), FLAT).chain is None


def test_every_event_has_a_hazard_of_the_list_and_every_signal_is_an_event() -> None:
    assert {event.hazard for event in EVENTS} <= codes.WEATHER_HAZARD.values.keys()
    assert len(BY_CODE) == len(EVENTS) == len({event.zh for event in EVENTS})
    assert SIGNALS.keys() <= BY_CODE.keys()
    assert sum(map(len, SIGNALS.values())) == 45


def test_events_are_found_by_code_and_name() -> None:
    assert (code_in("11B20_yellow"), code_in("11b2002"), code_in("none")) == ("11B20", "11B20", "")
    named = {text: event.zh for text in ("雷雨大风黄色", "海上大风", "大风", "霾橙色") if (event := named_in(text))}
    assert named == {"雷雨大风黄色": "雷雨大风", "海上大风": "海上大风", "大风": "大风", "霾橙色": "霾"}
    assert named_in("洪水") is None


def test_a_shape_of_very_many_corners_is_judged_in_time() -> None:
    ring = [(30.1 + 0.3 * math.cos(n / 3000), 110.2 + 0.3 * math.sin(n / 3000)) for n in range(20_000)]
    began = time.process_time()
    assert touched([ring] * 200, {str(n): [ring[::20]] for n in range(20)}) == [str(n) for n in range(20)]
    assert time.process_time() - began < 5
