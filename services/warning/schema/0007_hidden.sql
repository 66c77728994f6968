-- What silences have hidden is counted when one ends.
CREATE INDEX effect_hidden ON effect (digest) WHERE digest LIKE 'silenced:%';
