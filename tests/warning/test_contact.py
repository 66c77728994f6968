"""A contact: what is recorded goes before contacts.csv; tests and verifications show."""

from __future__ import annotations

from typing import Any

from services.warning.contact import Contact
from services.warning.matter import Fact, Named, Post, Standing
from tests.warning.folding import example, fact, world

KIND = Contact()


def upserted(at: str = "07-16 08:00", **data: Any) -> Fact:
    return fact("contact.upserted", "R008", at, {"person_id": "R008", **data})


def fold(*facts: Fact, now: str = "07-16 12:00", key: str = "R008") -> Standing:
    standing = KIND.fold(key, facts, world(now))
    assert standing is not None
    return standing


def test_a_test_of_a_channel_belongs_to_the_person() -> None:
    tested = fact("contact.tested", "R008/sms", "07-16 09:00", {"channel": "sms", "result": "delivered"})
    assert list(KIND.where(tested, world("07-16 12:00"))) == [Named("R008")]


def test_the_later_record_goes_over_the_earlier_field_by_field() -> None:
    number = [{"kind": "sms", "address": "13800009999"}]
    standing = fold(upserted(channels=number, deputy_id="R009"), upserted("07-16 09:00", deputy_id="R010"))
    assert (standing.shown["deputy_id"], standing.shown["channels"]) == ("R010", number)
    assert (standing.shown["name"], standing.region) == ("云子衿", "990111001")


def test_names_become_codes() -> None:
    shown = fold(upserted(organisation="石桥街道办事处", post="街道值班室")).shown
    assert (shown["organisation"], shown["post"]) == ("JB03", "street_duty")


def test_an_unknown_organisation_or_post_has_no_effect() -> None:
    standing = fold(upserted(organisation="不存在"), upserted("07-16 09:00", post="不存在"), upserted("07-16 10:00"))
    assert sorted(standing.refused.values()) == [
        "没有岗位 不存在: 先写进 routes.toml 的 [posts]", "没有机构 不存在: 先写进 organisations.csv",
    ]  # fmt: skip
    assert "organisation" not in standing.shown


def test_the_last_day_counts_whole() -> None:
    facts = [upserted(valid_to="2026-07-20")]
    standing = fold(*facts, now="07-20 23:00")
    assert (standing.state, standing.closed, str(standing.wake)) == ("recorded", False, "2026-07-21 00:00:00+08:00")
    assert fold(*facts, now="07-21 00:00").state == "left"


def test_a_person_whom_no_channel_reaches_is_failing() -> None:
    def tested(channel: str, result: str, at: str) -> Fact:
        return fact(
            "contact.tested", f"R008/{channel}", at, {"person_id": "R008", "channel": channel, "result": result}
        )

    failed = tested("sms", "failed", "07-16 09:00")
    assert fold(failed).state == "failing"
    assert fold(failed, tested("voice", "answered", "07-16 09:01")).state == "recorded"
    verified = fact("contact.verified", "R008", "07-16 10:00", {"person_id": "R008"})
    assert fold(verified, tested("sms", "delivered", "07-16 10:00")).state == "verified"


def test_what_it_shows_is_what_the_house_calls() -> None:
    _, house = example()
    facts = [upserted(channels=[{"kind": "sms", "address": "13800009999"}], valid_to="2026-07-20")]
    people = house.with_facts([fold(*facts).shown], []).people
    person = people.persons["R008"]
    assert (person.addresses, person.name) == ({"sms": "13800009999"}, "云子衿")
    assert person in people.reach(Post("JB01", "street_duty"), world("07-20 23:00").now)
    assert person not in people.reach(Post("JB01", "street_duty"), world("07-21 00:00").now)
