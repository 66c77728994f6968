-- Accounts, keys, sessions and audit. Only `access` (in runtime) writes here.

CREATE TABLE key (
    id      text PRIMARY KEY,
    name    text NOT NULL,                                      -- the publisher
    secret  bytea NOT NULL CHECK (octet_length(secret) = 32),   -- SHA-256; the secret has 256 bits, so no slow hash
    scope   jsonb NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    revoked timestamptz
);

CREATE TABLE account (
    name     text PRIMARY KEY,
    password text NOT NULL,                                     -- scrypt$ln$r$p$salt$hash
    role     text NOT NULL,
    region   text NOT NULL DEFAULT '',                          -- '' = the whole bureau
    created  timestamptz NOT NULL DEFAULT now(),
    disabled timestamptz
);

CREATE TABLE session (
    token   bytea PRIMARY KEY CHECK (octet_length(token) = 32), -- SHA-256 of the cookie
    account text NOT NULL REFERENCES account (name),
    csrf    text NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    expires timestamptz NOT NULL
);
CREATE INDEX ON session (expires);

CREATE TABLE audit (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT now(),
    who    text NOT NULL,
    did    text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);

-- Every change raises the version (which readers poll) and notifies (so that they need not wait for the poll).
CREATE TABLE version (n bigint NOT NULL);
INSERT INTO version VALUES (1);

CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE access.version SET n = n + 1;
    PERFORM pg_notify('access', '');
    RETURN NULL;
END $$;

CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON key FOR EACH STATEMENT EXECUTE FUNCTION changed();
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON account FOR EACH STATEMENT EXECUTE FUNCTION changed();
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON session FOR EACH STATEMENT EXECUTE FUNCTION changed();

CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit rows stay as they are';
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION keep();
