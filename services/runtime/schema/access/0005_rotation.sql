-- A key that is being replaced is valid beside the new one until then.
ALTER TABLE key ADD COLUMN until timestamptz;
