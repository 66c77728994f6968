-- A database that was put back to an earlier moment, or lost: what this hub has said on Kafka since then.
CREATE TABLE life_before (
    found    timestamptz PRIMARY KEY,
    until    timestamptz NOT NULL,               -- the last thing it said
    ends     jsonb NOT NULL,                     -- "topic/partition" -> end of the log when it was found
    settled  timestamptz                         -- all of that has been read and folded
);
CREATE TABLE said_before (
    slot     text PRIMARY KEY,                   -- of the id: it follows from matter, slot and turn
    key      uuid NOT NULL,
    record   bytea NOT NULL
);
-- From it and a letter's id follows the link in the letter: whoever was sent one may still answer after a restore.
CREATE TABLE link_key (secret bytea NOT NULL);
INSERT INTO link_key
SELECT sha256(convert_to(string_agg(gen_random_uuid()::text, ''), 'UTF8')) FROM generate_series(1, 4);
