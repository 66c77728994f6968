-- Editions of the report: where each stands, folded from report.* events, and what was frozen and printed.
CREATE TABLE edition (
    id        text PRIMARY KEY,
    template  text NOT NULL,
    region    text NOT NULL,
    first     date NOT NULL,
    last      date NOT NULL,
    revision  integer NOT NULL,
    state     text NOT NULL,
    version   bigint NOT NULL DEFAULT 1,          -- grows with every change
    body      jsonb NOT NULL,                     -- the edition as services.reporting.report.edition has it
    progress  real NOT NULL DEFAULT 0,            -- of the cut that is waited for
    waits_for text NOT NULL DEFAULT '',           -- what it waits for, in a word
    UNIQUE (template, region, first, last, revision)
);
CREATE INDEX edition_at_work ON edition (state) WHERE state IN ('requested', 'issued');

-- What was frozen: figures, definitions, template, offsets and seal heads. One row per cut; never changed.
CREATE TABLE edition_cut (
    edition  text NOT NULL,
    attempt  integer NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    digest   text NOT NULL,                       -- SHA-256 (hex) of content
    content  bytea NOT NULL,
    PRIMARY KEY (edition, attempt)
);

-- The bytes that were issued.
CREATE TABLE rendering (
    edition  text NOT NULL,
    format   text NOT NULL,
    media    text NOT NULL,
    digest   text NOT NULL,
    content  bytea NOT NULL,
    PRIMARY KEY (edition, format)
);
ALTER TABLE rendering ALTER COLUMN content SET STORAGE EXTERNAL;

-- Numbers of documents (文号): no gap, none ever changes.
CREATE TABLE document_number (
    series     text NOT NULL,
    number     integer NOT NULL,
    refers_to  text NOT NULL UNIQUE,
    PRIMARY KEY (series, number)
);

-- What became of each command of a person.
CREATE TABLE edition_command (
    key      uuid PRIMARY KEY,
    edition  text NOT NULL,
    refused  text NOT NULL DEFAULT '',
    at       timestamptz NOT NULL
);

-- Figures that were frozen to answer a question.
CREATE TABLE answer (
    id       text PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT now(),
    region   text NOT NULL,
    digest   text NOT NULL,
    content  bytea NOT NULL
);

REVOKE UPDATE, DELETE, TRUNCATE ON edition_cut, rendering, document_number, answer FROM PUBLIC;

-- What came after a moment lies at the end of the ledger: a few bytes for every 32 pages find it.
CREATE INDEX ledger_recorded ON ledger USING brin (recorded) WITH (autosummarize = on, pages_per_range = 32);
