-- What became of a letter is said after all that wait have been handed over.
ALTER TABLE delivery ADD COLUMN told boolean NOT NULL DEFAULT false;
CREATE INDEX delivery_untold ON delivery (made) WHERE NOT told AND state IN ('handed', 'failed', 'delivered');
