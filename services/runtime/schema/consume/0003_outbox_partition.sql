-- A record of the urgent topic has the partition of its family; null: by the key.
ALTER TABLE outbox ADD COLUMN partition integer;
