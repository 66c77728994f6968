-- The watch: facts by the matter they concern, and how each matter stands. All of it can be folded again from Kafka.
CREATE TABLE handled (
    key      uuid PRIMARY KEY,                   -- of (source, id): a fact is taken in once
    at       timestamptz NOT NULL,
    refused  text                                -- why a step had no effect
);

-- What is known of a matter. A matter is one warning, callout, notice, case, shift …: kind, scope and key name it.
CREATE TABLE fact (
    kind      text  NOT NULL,
    scope     text  NOT NULL,                    -- actual, test, exercise:DRILL: none can touch another's matters
    matter    text  NOT NULL,
    key       uuid  NOT NULL,
    target    uuid,                              -- what it corrects or takes back
    handled   timestamptz NOT NULL,
    record    bytea NOT NULL,                    -- as it lies on Kafka
    PRIMARY KEY (kind, scope, matter, key)
);
CREATE INDEX fact_key ON fact (key);
CREATE INDEX fact_target ON fact (target) WHERE target IS NOT NULL;

CREATE SEQUENCE matter_version;
CREATE TABLE matter (
    kind     text    NOT NULL,
    scope    text    NOT NULL,
    key      text    NOT NULL,
    parents  text[]  NOT NULL DEFAULT '{}',      -- matters whose facts concern it while it is open
    state    text    NOT NULL,
    closed   boolean NOT NULL,
    region   text    NOT NULL,
    due      timestamptz,                        -- the nearest limit, for people
    wake     timestamptz,                        -- when time alone changes how it stands
    shown    jsonb   NOT NULL,                   -- what its GET gives
    version  bigint  NOT NULL,                   -- grows with every change: live streams follow it
    changed  timestamptz NOT NULL,
    PRIMARY KEY (kind, scope, key)
);
CREATE INDEX matter_wake ON matter (kind, wake) WHERE wake IS NOT NULL;
CREATE INDEX matter_parents ON matter USING gin (parents) WHERE NOT closed AND parents <> '{}';
CREATE INDEX matter_version_index ON matter (version);
CREATE INDEX matter_open ON matter (kind, closed, due);

-- Other names under which facts speak of a matter: the identifiers of a warning's messages.
CREATE TABLE name (
    kind    text NOT NULL,
    scope   text NOT NULL,
    name    text NOT NULL,
    matter  text NOT NULL,
    PRIMARY KEY (kind, scope, name)
);

-- What a matter has brought about, one row per slot: what was said or sent is never said or sent twice.
CREATE TABLE effect (
    kind    text NOT NULL,
    scope   text NOT NULL,
    matter  text NOT NULL,
    slot    text NOT NULL,
    id      text NOT NULL,                       -- of the event that says it now; empty for a delivery
    digest  text NOT NULL,                       -- of what was said; empty: it was taken back
    turn    integer NOT NULL,                    -- how often it was said
    type    text NOT NULL,                       -- of that event; empty: letters were made
    subject text NOT NULL,
    lane    text NOT NULL,
    cause   uuid,                                -- the fact it hangs on; null: it follows the fold
    PRIMARY KEY (kind, scope, matter, slot)
);

-- One message to one person by one channel.
CREATE TABLE delivery (
    id        uuid PRIMARY KEY,
    kind      text NOT NULL,
    scope     text NOT NULL,
    matter    text NOT NULL,
    slot      text NOT NULL,
    chain     text NOT NULL,
    callout   text NOT NULL,
    organisation text NOT NULL,
    post      text NOT NULL,
    person    text NOT NULL,
    channel   text NOT NULL,
    address   text NOT NULL,
    text      text NOT NULL,
    token     text NOT NULL,                     -- of the link in the message; empty: none
    urgent    boolean NOT NULL,
    made      timestamptz NOT NULL,
    fresh     timestamptz NOT NULL,              -- not handed over after this
    next      timestamptz NOT NULL,              -- when it is tried (again)
    tries     integer NOT NULL DEFAULT 0,
    state     text NOT NULL,                     -- waiting, handed, delivered, failed, stale, cancelled
    handed    timestamptz,
    result    text
);
CREATE UNIQUE INDEX delivery_token ON delivery (token) WHERE token <> '';
CREATE INDEX delivery_waiting ON delivery (channel, urgent DESC, next) WHERE state = 'waiting';
CREATE INDEX delivery_callout ON delivery (callout);
CREATE INDEX delivery_matter ON delivery (kind, scope, matter);
CREATE INDEX delivery_chain ON delivery (chain);
CREATE INDEX delivery_address ON delivery (address, made);

-- What the gateways of a test were given.
CREATE TABLE testing_outbox (
    n          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id uuid NOT NULL UNIQUE,             -- what comes twice with one id is sent once, as with any gateway
    channel    text NOT NULL,
    address    text NOT NULL,
    text       text NOT NULL,
    link       text NOT NULL,
    chain      text NOT NULL,
    callout    text NOT NULL,
    post       text NOT NULL,
    at         timestamptz NOT NULL
);
CREATE TABLE testing_gateway (
    channel text PRIMARY KEY,
    mode    text NOT NULL
);
