-- What a service has to say on Kafka: written in the transaction of the effect, sent in order, removed when on disk.
CREATE TABLE outbox (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic         text  NOT NULL,
    key           bytea,
    value         bytea NOT NULL,
    content_type  text  NOT NULL,
    refused       text                           -- why Kafka will never take it; it stays here
);
