-- Telemetry: which points are watched, which episodes are open. Readings themselves are never kept.
CREATE TABLE point_fact (
    key       uuid PRIMARY KEY,                  -- of (source, id) of a registration, or of what takes one back
    scope     text  NOT NULL,                    -- actual, test, exercise:DRILL
    point     text  NOT NULL,
    record    bytea NOT NULL                     -- as it lies on Kafka
);
CREATE INDEX point_fact_point ON point_fact (scope, point);

-- From the first threshold crossed until all is normal again; worst = 0: it is, and `at` says since when.
CREATE TABLE episode (
    scope   text NOT NULL,
    point   text NOT NULL,                       -- of a surge: the region
    kind    text NOT NULL,
    rule    text NOT NULL,
    worst   integer NOT NULL,
    at      timestamptz NOT NULL,
    peak    double precision,
    alarms  jsonb NOT NULL,
    PRIMARY KEY (scope, point, kind, rule)
);

-- The last sign of life of each point, written every few seconds.
CREATE TABLE seen (
    scope   text NOT NULL,
    point   text NOT NULL,
    at      timestamptz NOT NULL,
    value   double precision,
    region  text NOT NULL,
    PRIMARY KEY (scope, point)
);

-- How much came in, by area and slot of ten minutes: what is usual follows from it.
CREATE TABLE arrival (
    scope   text NOT NULL,
    kind    text NOT NULL,
    area    text NOT NULL,
    slot    bigint NOT NULL,
    n       integer NOT NULL,
    PRIMARY KEY (scope, kind, area, slot)
);

-- Frames that could not be read, with the reason.
CREATE TABLE frame_quarantine (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition  integer NOT NULL,
    "offset"   bigint  NOT NULL,
    reason     text    NOT NULL,
    detail     text    NOT NULL,
    record     bytea   NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    UNIQUE (partition, "offset", reason)
);

-- What was counted, for Prometheus; written every few seconds.
CREATE TABLE meter (
    name   text PRIMARY KEY,
    total  bigint NOT NULL
);
