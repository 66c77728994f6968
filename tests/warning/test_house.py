"""The house: routes, people and texts of a bureau folder; each mistake with its line; each street reaches somebody."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import pytest

from services.contracts.rows import Mistakes
from services.runtime import bureau
from services.runtime.settings import ROOT
from services.warning import house
from services.warning.house import House
from services.warning.house.messages import WORDS, Messages
from services.warning.house.routes import matching
from services.warning.matter import Post

EXAMPLE = ROOT / "bureaus" / "example"
NIGHT = datetime.datetime.fromisoformat("2026-07-16T03:10:00+08:00")
STREET = "990111003"


@pytest.fixture(scope="module")
def example() -> House:
    return house.load(bureau.load(EXAMPLE))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "bureau"))


def mistakes(folder: Path) -> list[str]:
    return [str(one) for one in house.check(folder, bureau.read(folder))]


def edit(file: Path, old: str, new: str) -> int:
    """Put `new` for `old`; the line where it stood."""
    text = file.read_text("utf-8")
    assert text.count(old) == 1, f"{file.name} has {old!r} {text.count(old)} times"
    file.write_text(text.replace(old, new), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def persons(example: House, organisation: str, post: str, rung: str = "post", now: datetime.datetime = NIGHT) -> str:
    return " ".join(p.id for p in example.people.reach(Post(organisation, post, rung), now))


# routes


def test_red_calls_every_post_and_yellow_reminds(example: House) -> None:
    (severe,) = matching(example.routes, "red", "rainstorm")
    assert (severe.posts, severe.need) == (("duty_leader", "bureau_duty", "street_duty"), "all")
    (moderate,) = matching(example.routes, "blue", "fog")
    assert (moderate.need, moderate.channels, moderate.freshness) == ("any", ("sms",), datetime.timedelta(minutes=30))


def test_a_route_may_name_its_hazards(example: House) -> None:
    assert [r.key for r in matching(example.routes, "yellow", "typhoon")] == ["moderate", "typhoon"]
    assert [r.key for r in matching(example.routes, "yellow", "fog")] == ["moderate"]
    assert matching(example.routes, "none", "fog") == []


def test_a_row_of_the_bureau_replaces_the_shipped_one(folder: Path) -> None:
    shipped = (house.DEFAULTS / "routes.toml").read_text("utf-8")
    (folder / "routes.toml").write_text(
        "[moderate]\n" + shipped.split("[moderate]\n")[1].replace("30m", "20m"), "utf-8"
    )
    rows = {r.key: r for r in house.load(bureau.load(folder)).routes}
    assert rows["moderate"].freshness == datetime.timedelta(minutes=20)
    assert rows["severe"].freshness == datetime.timedelta(minutes=60)


def test_a_callout_whose_route_is_gone_goes_on(example: House) -> None:
    assert example.route("gone") == example.routes[0]


# people


def test_an_area_concerns_its_street_and_the_bureau(example: House) -> None:
    def targets(areas: list[str], post: str) -> list[str]:
        return [one.code for one in example.people.targets(areas, post)]

    assert targets([STREET], "street_duty") == ["JB03"]
    assert targets(["990111003001"], "street_duty") == ["JB03"], "a community lies in its street"
    assert targets([STREET], "bureau_duty") == ["JB00"]
    assert len(targets(["990111"], "street_duty")) == 11
    assert targets(["990111002", STREET], "duty_leader") == ["JB00", "JB02", "JB03"]
    assert targets([STREET], "nobody") == []


def test_the_roster_says_who_is_on_duty(example: House) -> None:
    (turn,) = [s for s in example.people.turns("JB00", "bureau_duty") if s.covers(NIGHT)]
    assert persons(example, "JB00", "bureau_duty") == turn.person
    assert persons(example, "JB00", "bureau_duty", now=turn.to) != turn.person, "the next shift begins when this ends"


def test_without_a_shift_everybody_who_still_holds_the_post_is_called(example: House) -> None:
    late = datetime.datetime.fromisoformat("2031-01-01T00:00:00+08:00")
    assert persons(example, "JB00", "bureau_duty", now=late) == "R004 R005 R006 R007"


def test_the_ladder_goes_to_the_deputy_and_then_up(example: House) -> None:
    on_duty = persons(example, "JB03", "street_duty")
    assert persons(example, "JB03", "street_duty", "deputy") == example.people.persons[on_duty].deputy
    assert persons(example, "JB03", "street_duty", "superior") == persons(example, "JB00", "duty_leader")
    assert persons(example, "JB03", "duty_leader", "superior") == persons(example, "JB00", "duty_leader")


def test_who_left_is_not_called(folder: Path) -> None:
    line = (folder / "contacts.csv").read_text("utf-8").splitlines()
    row = next(one for one in line if ",JB03,street_duty," in one)
    edit(folder / "contacts.csv", row + "\n", row + "2026-07-15\n")
    example = house.load(bureau.load(folder))
    assert persons(example, "JB03", "street_duty") == ""
    still = datetime.datetime.fromisoformat("2026-07-15T23:59:00+08:00")
    assert persons(example, "JB03", "street_duty", now=still) != "", "the last day counts whole"


def test_what_was_recorded_goes_before_the_folder(example: House) -> None:
    contact = {"person_id": "R001", "channels": [{"kind": "sms", "address": "13800009999"}], "deputy_id": "R004"}
    new = {"person_id": "N1", "name": "新人", "organisation": "石桥街道办事处", "post": "street_duty"}
    shift = {"shift_id": "X1", "post": "street_duty", "person_id": "N1", "from": "2026-07-16T00:00:00+08:00",
             "to": "2026-07-17T00:00:00+08:00"}  # fmt: skip
    changed = example.with_facts([contact, new], [shift])
    assert changed.people.persons["R001"].addresses == {"sms": "13800009999"}
    assert changed.people.persons["R001"].name == example.people.persons["R001"].name
    assert persons(changed, "JB03", "street_duty") == "N1"
    swapped = changed.with_facts([], [{"shift_id": "X1", "person_id": "R013"}])
    assert persons(swapped, "JB03", "street_duty") == "R013"


# messages


def test_a_word_is_filled_in_once(example: House) -> None:
    text = Messages({"lifted": "{headline}已解除：{area}"}).text("lifted", headline="{area}", area="石桥街道")
    assert text == "{area}已解除：石桥街道"


def test_every_text_is_shipped(example: House) -> None:
    assert example.messages.texts.keys() == WORDS.keys()
    assert example.messages.exercise == "【演练】"


# check


def test_the_example_has_no_mistake() -> None:
    assert mistakes(EXAMPLE) == []


def test_a_bureau_without_lists_is_none_either(folder: Path) -> None:
    for name in ("organisations.csv", "contacts.csv", "roster.csv", "routes.toml", "messages.toml"):
        (folder / name).unlink()
    assert mistakes(folder) == []
    assert house.load(bureau.load(folder)).people.targets(["990111"], "street_duty") == []


def test_a_street_that_reaches_nobody_is_named_with_each_hazard(folder: Path) -> None:
    file = folder / "contacts.csv"
    kept = [line for line in file.read_text("utf-8").splitlines() if ",JB05," not in line]
    file.write_text("\n".join(kept) + "\n", "utf-8")
    (one,) = mistakes(folder)
    line = (folder / "organisations.csv").read_text("utf-8").splitlines().index(
        next(o for o in (folder / "organisations.csv").read_text("utf-8").splitlines() if o.startswith("JB05"))
    ) + 1  # fmt: skip
    assert one.startswith(f"organisations.csv:{line}: 梅园街道(990111005)的红色预警叫不到本地任何人: 暴雨、台风、")
    assert "带班领导、局值班室、街道值班室" in one


def test_a_street_without_an_organisation_is_named(folder: Path) -> None:
    for name in ("organisations.csv", "contacts.csv"):
        kept = [line for line in (folder / name).read_text("utf-8").splitlines() if "JB05" not in line]
        (folder / name).write_text("\n".join(kept) + "\n", "utf-8")
    assert [one.split(": ")[1] for one in mistakes(folder)] == ["梅园街道(990111005)的红色预警叫不到本地任何人"]


def test_a_number_by_no_channel_of_the_route_does_not_count(folder: Path) -> None:
    kept = (folder / "contacts.csv").read_text("utf-8").splitlines()
    mail = [",".join([*row.split(",")[:5], "", "", "a@b.example", ""]) if ",JB05," in row else row for row in kept]
    (folder / "contacts.csv").write_text("\n".join(mail) + "\n", "utf-8")
    (one,) = mistakes(folder)
    assert "梅园街道" in one


WRONG = [
    ("routes.toml", 'levels = ["yellow"]', 'levels = ["purple"]', "levels 中没有这样的级别: purple"),
    ("routes.toml", 'hazards = ["typhoon"]', 'hazards = ["typhon"]', "没有这样的灾种: typhon, 是否应为 typhoon"),
    ("routes.toml", 'posts = ["duty_leader"]', 'posts = ["leader"]', "posts 中没有这样的岗位: leader"),
    ("routes.toml", 'posts = ["duty_leader"]', "posts = []", "posts 是空的"),
    ("routes.toml", 'channels = ["voice", "sms"]', 'channels = ["fax"]', "channels 中没有这样的通道: fax"),
    ("routes.toml", 'need = "any"', 'need = "one"', "need 不是 any 或 all: one"),
    ("routes.toml", 'repeat = "5m"', 'repeat = "5"', "repeat 不是时长: 5"),
    ("routes.toml", 'deputy = "10m"', 'deputy = "1m"', "deputy 早于 repeat"),
    ("routes.toml", 'repeat = "5m"', 'repeats = "5m"', "不认识的项 repeats, 是否应为 repeat"),
    ("messages.toml", "lifted =", "lifte =", "没有短信文本 lifte, 是否应为 lifted"),
    ("messages.toml", "{headline}", "{headlin}", "lifted 中不能用 {headlin}, 是否应为 headline"),
    ("organisations.csv", "桐林街道办事处,990111007", "桐林街道办事处,990111997", "region 990111997 不是已有的区域"),
    ("organisations.csv", "JB07,桐林街道办事处,990111007,street,JB00", "JB07,桐林街道办事处,990111007,street,JB99",
     "superior JB99 不是已有的机构"),
    ("contacts.csv", "R001,江安邦,JB00", "R001,江安邦,JB98", "organisation JB98 不是已有的机构"),
    ("contacts.csv", "R001,江安邦,JB00,duty_leader", "R001,江安邦,JB00,值班员", "post 值班员 不是已有的岗位"),
    ("contacts.csv", "江安邦,JB00,duty_leader,R002", "江安邦,JB00,duty_leader,R999", "deputy_id R999 不是已有的人员"),
    ("contacts.csv", "R001,江安邦,JB00,duty_leader,R002", "R001,江安邦,JB00,duty_leader,R001", "R001 以自己为副职"),
    ("contacts.csv", "13800000001,13800000001,r001@jiangbin.example", ",,", "江安邦 没有任何联系方式"),
    ("contacts.csv", "13800000001,13800000001", "电话,13800000001", "sms 不像号码或邮箱"),
    ("contacts.csv", "R002,林若谷", "R001,林若谷", "person_id R001 重复, 第 2 行已写过"),
    ("roster.csv", "DB-20260105,JB00,duty_leader,R002,2026-01-05 08:00", "DB-20260105,JB00,duty_leader,R002,一月五日",
     "from 不是时间: 一月五日"),
    ("roster.csv", "duty_leader,R002,2026-01-05 08:00", "duty_leader,R002,2026-02-05 08:00",
     "的结束不晚于开始"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "said"), WRONG, ids=[row[3] for row in WRONG])
def test_each_mistake_is_named_with_its_line(folder: Path, file: str, old: str, new: str, said: str) -> None:
    line = edit(folder / file, old, new)
    found = [one for one in mistakes(folder) if said in one]
    assert [one.partition(": ")[0] for one in found] == [f"{file}:{line}"]
    with pytest.raises(Mistakes):
        house.load(bureau.load(folder))


def test_the_own_station_calls_and_the_province_waits_for_a_person(example: House) -> None:
    assert example.may_call({"sender_code": "99011141600000"})
    assert example.may_call({"chain_id": "99011141600000/20260716"})
    assert not example.may_call({"sender_code": "99000041600000", "chain_id": "99000041600000/20260716"})
    assert not example.may_call({})
