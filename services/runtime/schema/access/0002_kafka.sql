-- A publisher that also writes to its topic inbox.<name>; ingest reads that topic.
ALTER TABLE key ADD COLUMN kafka boolean NOT NULL DEFAULT false;
