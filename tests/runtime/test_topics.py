"""Topics are made once, with the configuration that makes an acknowledgement mean on disk; each has an identity."""

from __future__ import annotations

import asyncpg
import pytest

from services.contracts.topics import BY_NAME, TOPICS, Topic
from services.runtime.kafka import configuration, ensure_topics, named
from services.runtime.settings import Settings
from services.runtime.topic_identity import describe, topic_ids
from tests.conftest import delete_topics


async def test_each_test_has_an_empty_database(database: str) -> None:
    connection = await asyncpg.connect(database)
    tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    assert tables == 0


async def test_all_topics_exist_with_their_partitions(settings: Settings, topics: list[str]) -> None:
    cluster = await describe(settings.kafka_bootstrap, topics)
    assert {name: state.partitions for name, state in cluster.topics.items()} == {
        named(settings, topic): topic.partitions for topic in TOPICS
    }


async def test_made_again_a_topic_keeps_its_id_deleted_it_gets_another(settings: Settings, topics: list[str]) -> None:
    cluster, before = await topic_ids(settings.kafka_bootstrap, topics)
    await ensure_topics(settings)
    assert await topic_ids(settings.kafka_bootstrap, topics) == (cluster, before)
    gone = topics[0]
    await delete_topics(settings.kafka_bootstrap, [gone])
    assert gone not in (await topic_ids(settings.kafka_bootstrap, topics))[1]
    await ensure_topics(settings)
    same_cluster, after = await topic_ids(settings.kafka_bootstrap, topics)
    assert same_cluster == cluster
    assert {name for name in topics if before[name] != after[name]} == {gone}


async def test_asking_does_not_create(settings: Settings) -> None:
    name = named(settings, "nothing")
    assert (await topic_ids(settings.kafka_bootstrap, [name]))[1] == {}
    assert (await topic_ids(settings.kafka_bootstrap, [name]))[1] == {}


async def test_another_number_of_partitions_is_refused(settings: Settings, topics: list[str]) -> None:
    row = BY_NAME["urgent"]
    changed = Topic(row.name, row.lane, row.families, row.partitions + 1, row.retention_days, row.about)
    with pytest.raises(ValueError, match="partitions"):
        await ensure_topics(settings, [changed])


def test_one_copy_is_flushed_three_are_confirmed_by_two() -> None:
    assert configuration(BY_NAME["urgent"], 1)["flush.messages"] == "1"
    assert "flush.messages" not in configuration(BY_NAME["telemetry"], 1)
    assert "flush.messages" not in configuration(BY_NAME["urgent"], 3)
    assert configuration(BY_NAME["urgent"], 3)["min.insync.replicas"] == "2"
