-- Old fates are found by their time, without an index that costs as much as they do.
CREATE INDEX fate_at ON fate USING brin (at);
