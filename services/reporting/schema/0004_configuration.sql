-- Each bureau folder that came into force, and what it held: the next one is told by what has changed.
CREATE TABLE configuration (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    applied     timestamptz NOT NULL DEFAULT now(),
    hash        text  NOT NULL,
    files       jsonb NOT NULL,                  -- name -> SHA-256
    statistics  jsonb NOT NULL                   -- key with its constant labels -> hash of the definition
);

ALTER TABLE definition ADD COLUMN run text;      -- which reader counts it in the background
