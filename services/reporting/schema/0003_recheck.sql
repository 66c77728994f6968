-- Each time the tally was held against the ledger in the background.
CREATE TABLE recheck (
    at           timestamptz PRIMARY KEY DEFAULT now(),
    seconds      real    NOT NULL,
    definitions  integer NOT NULL,
    differences  bigint  NOT NULL               -- rows of the tally that are not what the ledger says; must be 0
);
