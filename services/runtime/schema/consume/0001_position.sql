-- How far a service has read each partition of Kafka. Written only in the transaction of the effect.
CREATE TABLE position (
    id             smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic          text     NOT NULL,
    partition      integer  NOT NULL,
    epoch          integer  NOT NULL,            -- 1, 2, …: one per life of the topic
    cluster        text     NOT NULL,            -- Kafka's cluster id and topic id: what makes a life
    topic_id       text     NOT NULL,
    first          bigint   NOT NULL,            -- first offset read in this epoch
    next           bigint   NOT NULL,            -- next offset to read
    handled        bigint   NOT NULL DEFAULT 0,
    duplicate      bigint   NOT NULL DEFAULT 0,
    quarantine     bigint   NOT NULL DEFAULT 0,
    record_digest  bytea,                        -- SHA-256 of the record before next, as it lies on Kafka
    is_current     boolean  NOT NULL DEFAULT true,
    UNIQUE (topic, partition, epoch)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX position_current ON position (topic, partition) WHERE is_current;

-- What could never be read or never fits, with its reason; it can be sent through the door again.
CREATE TABLE quarantine (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position  smallint NOT NULL REFERENCES position,
    "offset"  bigint   NOT NULL,
    reason    text     NOT NULL,
    detail    text     NOT NULL,
    late      boolean  NOT NULL DEFAULT false,   -- found out after it had been counted; outside the accounting sum
    record    bytea    NOT NULL,
    digest    bytea    NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    redriven  timestamptz,
    UNIQUE (position, "offset")
);

-- The one active reader, as it last told of itself.
CREATE TABLE reader (
    role     text PRIMARY KEY,
    pid      integer NOT NULL,
    since    timestamptz NOT NULL,
    seen     timestamptz NOT NULL,
    state    text NOT NULL,
    stopped  jsonb NOT NULL DEFAULT '{}',        -- "topic/partition" -> why it stands still
    ends     jsonb NOT NULL DEFAULT '{}'         -- "topic/partition" -> end of the log when last asked
);
