-- A publisher's own view. Which events are on disk: folded from the canonical topics, first come first.
CREATE TABLE accepted (
    key        uuid   NOT NULL PRIMARY KEY,      -- of (source, id)
    digest     bigint NOT NULL,                  -- the first 8 bytes: tells a retry from a conflict
    publisher  text   NOT NULL
);

-- What became of events since: folded from the topic `fates`.
CREATE TABLE fate (
    n          bigint      GENERATED ALWAYS AS IDENTITY,  -- the order in which they became known
    key        uuid        NOT NULL,
    fate       text        NOT NULL,
    cause      text        NOT NULL,             -- the same cause told twice is one fate
    service    text        NOT NULL,
    source     text        NOT NULL,
    id         text        NOT NULL,
    type       text        NOT NULL,
    publisher  text        NOT NULL,
    detail     jsonb       NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (key, fate, cause)
);
CREATE INDEX fate_publisher ON fate (publisher, n);

-- Both, counted by the local day on which they became known.
CREATE TABLE outcome (
    publisher  text   NOT NULL,
    day        date   NOT NULL,
    type       text   NOT NULL,
    fate       text   NOT NULL,
    events     bigint NOT NULL,
    late       bigint NOT NULL,                  -- of these, accepted more than a day after they happened
    PRIMARY KEY (publisher, day, type, fate)
) WITH (fillfactor = 60);
