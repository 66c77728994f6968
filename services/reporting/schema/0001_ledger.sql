-- The ledger: every event once. Append-only; everything else in this schema can be folded again from it.
CREATE TABLE type (
    id    smallint PRIMARY KEY,
    name  text NOT NULL UNIQUE
);

CREATE TABLE ledger (
    time      timestamptz NOT NULL,
    recorded  timestamptz NOT NULL,
    "offset"  bigint      NOT NULL,
    key       uuid        NOT NULL,              -- of (source, id)
    corrects  uuid,                              -- key of the event that this one replaces or takes back
    type      smallint    NOT NULL,              -- a retraction stands under the type it takes back
    position  smallint    NOT NULL,
    status    smallint    NOT NULL,              -- 0 actual, 1 exercise, 2 test
    retracts  boolean     NOT NULL,
    region    text        NOT NULL,
    digest    bytea       NOT NULL,
    body      bytea       NOT NULL               -- the record as it lies on Kafka
);
ALTER TABLE ledger ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE ledger ADD PRIMARY KEY (key);
CREATE INDEX ledger_type_time ON ledger (type, time);
CREATE INDEX ledger_corrects ON ledger (corrects) WHERE corrects IS NOT NULL;

-- Records whose identity was known already: a retry (same digest) or a conflict (other content).
CREATE TABLE duplicate (
    position  smallint NOT NULL,
    "offset"  bigint   NOT NULL,
    key       uuid     NOT NULL,
    digest    bytea    NOT NULL,
    conflict  boolean  NOT NULL,
    PRIMARY KEY (position, "offset")
);
CREATE INDEX duplicate_key ON duplicate (key);

-- A chain of seals per partition and epoch over the digests of all records, in order.
CREATE TABLE seal (
    position  smallint NOT NULL,
    first     bigint   NOT NULL,
    next      bigint   NOT NULL,
    seal      bytea    NOT NULL,
    PRIMARY KEY (position, first)
);

REVOKE UPDATE, DELETE, TRUNCATE ON ledger, duplicate, seal FROM PUBLIC;
