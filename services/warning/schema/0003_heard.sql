-- When a publisher that has promised to send a type last did: what the silence of a feed is judged by.
CREATE TABLE heard (
    publisher text NOT NULL,
    type      text NOT NULL,
    first     timestamptz NOT NULL,
    last      timestamptz NOT NULL,               -- of acceptance
    events    bigint NOT NULL,
    PRIMARY KEY (publisher, type)
);
