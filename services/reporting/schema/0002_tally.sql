-- The tally: what the ledger adds up to, by statistic, region, labels and day.
CREATE TABLE definition (
    hash     text PRIMARY KEY,
    key      text NOT NULL,
    progress real NOT NULL DEFAULT 0,            -- share of the ledger read for it
    counted  timestamptz                         -- null until it has been counted from the ledger
);

CREATE TABLE series (
    id          integer PRIMARY KEY,
    definition  text     NOT NULL,
    status      smallint NOT NULL,
    drill       text     NOT NULL,
    region      text     NOT NULL,
    labels      text[]   NOT NULL,               -- the values of the definition's `by`, in its order
    UNIQUE (definition, status, drill, region, labels)
);

CREATE TABLE tally_day (
    series  integer NOT NULL,
    day     date    NOT NULL,
    events  bigint  NOT NULL,
    value   numeric NOT NULL,
    PRIMARY KEY (series, day)
) WITH (fillfactor = 60);

CREATE TABLE tally_month (
    series  integer NOT NULL,
    month   date    NOT NULL,
    events  bigint  NOT NULL,
    value   numeric NOT NULL,
    PRIMARY KEY (series, month)
) WITH (fillfactor = 60);

-- distinct: each member of a day with the number of events that name it.
CREATE TABLE member (
    series  integer NOT NULL,
    day     date    NOT NULL,
    member  uuid    NOT NULL,                    -- a hash of the value: it may name a person
    refs    integer NOT NULL,
    PRIMARY KEY (series, day, member)
) WITH (fillfactor = 80);

-- last, stock, max, median: the single values in force.
CREATE TABLE observation (
    series    integer     NOT NULL,
    key       uuid        NOT NULL,              -- the event
    n         smallint    NOT NULL,              -- its n-th value
    subject   uuid        NOT NULL,
    time      timestamptz NOT NULL,
    recorded  timestamptz NOT NULL,
    day       date        NOT NULL,
    value     numeric     NOT NULL,
    PRIMARY KEY (series, key, n)
);
CREATE INDEX observation_time ON observation (series, time);
