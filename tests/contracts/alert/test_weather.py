"""The JSON of weather services, one function per shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.contracts.alert import reading, weather
from services.contracts.alert.meaning import meaning
from services.contracts.alert.model import Malformed
from services.contracts.alert.place import Ground
from tests.contracts.alert.messages import OWN
from tests.contracts.alert.test_meaning import REGIONS

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples" / "cma"
ID = f"{OWN}_20260716031000"
TITLE = "江滨区气象台发布暴雨红色预警[I级/特别严重]"
TEXT = "江滨区气象台2026年7月16日03时10分发布暴雨红色预警信号：请注意防范。"
FIXTURES: dict[str, Any] = {
    "nmc": {"data": {"page": {"list": [
        {"alertid": ID, "issuetime": "2026/07/16 03:10", "title": TITLE, "pic": "http://x/p0002001.png"}]}}},
    "cimiss": [{"id": ID, "title": TITLE, "effective": "2026/07/16 03:10", "eventType": "11B03", "severity": "RED"}],
    "weathercn": {"w": [
        {"w1": "某省", "w2": "江州市", "w3": "江滨区", "w4": "02", "w5": "暴雨", "w6": "04", "w7": "红色",
         "w8": "2026-07-16 03:10", "w9": TEXT, "w10": ID, "w11": "http://x/1.html"}]},
    "seniverse": {"data": [{"data": [
        {"identifier": ID, "title": TITLE, "text": TEXT, "sender": "江滨区气象台", "colorCode": "red",
         "eventId": "11B03", "regionId": "990111", "date": "2026-07-16T03:10:00+08:00", "expiredAt": "",
         "references": "", "status": "ALERT"}]}]},
    "qweather": {"warning": [
        {"id": ID, "sender": "江滨区气象台", "pubTime": "2026-07-16T03:10+08:00", "title": TITLE, "status": "active",
         "level": "红色", "type": "11B03", "text": TEXT, "related": ""}]},
    "caiyun": [
        {"code": "0204", "description": TEXT, "pubtimestamp": 1784142600, "alertId": ID, "title": TITLE,
         "adcode": "990111", "location": "某省江滨区", "source": "国家预警信息发布中心"}],
    "fanstudio": {"Data": {
        "id": "990111-20260716031000-11B0304", "headline": TITLE, "effective": "2026-07-16 03:10:00",
        "description": TEXT, "type": "11B03_red"}},
    "baidu": {"items": [
        {"title": f"【暴雨预警】7月16日{TITLE}", "file": ID, "public_time": "2026-07-16 03:16:10",
         "tag": {"sender": "江滨区气象台", "msg_type": "Alert", "effective": "2026-07-16 03:10:00", "level": "Red",
                 "event_type": "暴雨"}}]},
}  # fmt: skip
OF_SAMPLES = {
    "nmc_findAlarm_20230605": "nmc", "nmc_cimiss_alarm_items": "cimiss", "weathercn_w_20190708_cancel": "weathercn",
    "seniverse_whenbot_20190904": "seniverse", "qweather_warning_20200813": "qweather", "caiyun_alert_items": "caiyun",
    "fanstudio_weatheralarm_20260710": "fanstudio", "alert_cancel_pair_zhuhai_20210830": "baidu",
}  # fmt: skip


def test_every_shape_is_tried() -> None:
    assert FIXTURES.keys() == weather.SHAPES.keys() == set(OF_SAMPLES.values())


@pytest.mark.parametrize("shape", FIXTURES)
def test_one_warning_means_the_same_in_every_shape(shape: str) -> None:
    ((alert, item),) = weather.parse(json.dumps(FIXTURES[shape]).encode(), shape)
    means = meaning(alert, Ground(REGIONS))
    told = {name: means.data.get(name) for name in ("level", "hazard", "event_code", "msg_type", "sender")}
    assert told == {
        "level": "red", "hazard": "rainstorm", "event_code": "11B03", "msg_type": "issue", "sender": "江滨区气象台",
    }  # fmt: skip
    assert (means.time, means.region) == ("2026-07-16T03:10:00+08:00", "990111")
    assert "outside" not in means.data
    assert json.loads(item)
    assert reading.parse(reading.RENDER["cap"](alert)).identifier == alert.identifier
    assert reading.parse(reading.RENDER["guotu"](alert)).info[0].colour == "red"


@pytest.mark.parametrize("shape", weather.SHAPES)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b"7", b"null", b'{"data":7}', b'{"w":[{}]}', b'[{"id":7}]', b"[" * 9999]
)
def test_what_is_not_of_the_shape_is_refused(shape: str, body: bytes) -> None:
    with pytest.raises(Malformed):
        weather.parse(body, shape)


def test_what_a_shape_leaves_out_is_read_from_the_words() -> None:
    item = {"id": ID, "title": "江滨区气象台降级发布道路结冰黄色预警[III/较重]", "effective": "2026/07/16 03:10"}
    ((alert, _),) = weather.parse(json.dumps([item]).encode(), "cimiss")
    means = meaning(alert, Ground(REGIONS))
    assert (means.data["level"], means.data["level_source"]) == ("yellow", "text")
    assert (means.data["event_code"], means.data["msg_type"]) == ("11B21", "update")


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_real_messages_are_read(path: Path) -> None:
    for alert, _ in weather.parse(path.read_bytes(), OF_SAMPLES[path.stem]):
        means = meaning(alert, Ground(REGIONS))
        assert means.data["level"] in ("blue", "yellow", "orange")
        assert means.data["hazard"] != "other"
        assert means.data["outside"] is True
        assert means.data["sender"].strip("0123456789") == means.data["sender"]
