"""What the ledger tells publishers (the outbox is read, nothing is sent)."""

from __future__ import annotations

from typing import Any

from services.contracts import fate
from services.contracts.fate import Fate
from tests.records import correction, record, retraction
from tests.reporting.conftest import Reader


async def told(reader: Reader) -> list[Fate]:
    """Every fate in the outbox, in order."""
    rows = await reader.connection.fetch("SELECT topic, value FROM outbox ORDER BY id")
    assert {row["topic"] for row in rows} <= {"fates"}
    return [one for row in rows for one in fate.read(row["value"])[1]]


def short(fates: list[Fate], names: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """Name and fate of each."""
    ids = {event["id"]: name for name, event in names.items()}
    return [(ids[f.id], f.fate) for f in fates]


async def test_a_retry_and_a_conflict_are_told_a_record_that_the_hub_wrote_twice_is_not(reader: Reader) -> None:
    first = record(data={"level": "major"})
    again = record(id=first["id"], data={"level": "major"})
    other = record(id=first["id"], data={"level": "general"})
    await reader.read([first, first, again, other])
    assert [f.fate for f in await told(reader)] == ["duplicate", "conflict"]
    assert await reader.connection.fetchval("SELECT count(*) FROM duplicate") == 3
    await reader.read([first])
    assert len(await told(reader)) == 2
    assert all(f.publisher == "town-a" and f.type == "hazard.found" for f in await told(reader))


async def test_each_change_of_a_chain_is_told_once(reader: Reader) -> None:
    a = record(data={"level": "major"})
    b = correction(a, data={"level": "general"})
    c = retraction(b)
    d = correction(c, type_="hazard.found", data={"level": "major"})
    names = {"a": a, "b": b, "c": c, "d": d}
    for event in (a, b, c, d):
        await reader.read([event])
    assert short(await told(reader), names) == [("a", "corrected"), ("b", "retracted"), ("c", "corrected")]
    assert (await told(reader))[0].detail == {"by": {"source": b["source"], "id": b["id"]}}


async def test_a_correction_that_turns_out_not_to_fit_is_told_when_its_target_comes(reader: Reader) -> None:
    lost = record(subject="h1", data={"level": "major"})
    fits = correction(lost, data={"level": "general"})
    later = correction(fits, subject="h9", data={"level": "general"})
    await reader.read([later])
    await reader.read([lost])
    await reader.read([fits])
    found = await told(reader)
    assert short(found, {"lost": lost, "fits": fits, "later": later}) == [
        ("lost", "corrected"),
        ("later", "quarantined"),
    ]
    assert found[1].detail["reason"] == "correction_mismatch"


async def test_a_misfit_that_is_found_late_is_told_with_its_own_place(reader: Reader) -> None:
    """Its target lies on another partition."""
    target = record("hazard.found", subject="h1", data={"level": "major"})
    other = record("penalty.imposed", "c1", {"amount_cny": "1", "kind": "fine"}, corrects=target["id"],
                   correctssource=target["source"])  # fmt: skip
    await reader.read([record("penalty.imposed", "c1", {"amount_cny": "2", "kind": "fine"}), other])
    await reader.read([target])
    (told_of,) = await told(reader)
    place = await reader.connection.fetchrow(
        'SELECT topic, partition, epoch, "offset" FROM quarantine q JOIN position p ON p.id = q.position WHERE late'
    )
    assert (told_of.id, told_of.fate) == (other["id"], "quarantined")
    assert told_of.cause == "{topic}/{partition}/{epoch}/{offset}/late".format(**place)
    assert place["topic"] == "enforcement"


async def test_what_was_set_aside_is_told_when_it_says_whose_it_is(reader: Reader) -> None:
    wrong = record(status="perhaps")
    await reader.read([wrong, b"no JSON at all"])
    assert [(f.id, f.fate, f.detail["reason"]) for f in await told(reader)] == [
        (wrong["id"], "quarantined", "not_an_event")
    ]
