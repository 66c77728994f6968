-- How far the clock of a hub under test is ahead of the world; HUB_ENVIRONMENT=test alone looks at it.
CREATE TABLE clock (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    ahead interval NOT NULL DEFAULT '0' CHECK (ahead >= '0')
);
INSERT INTO clock DEFAULT VALUES;

CREATE FUNCTION clock_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.ahead < OLD.ahead THEN
        RAISE EXCEPTION 'the clock only moves forward';
    END IF;
    PERFORM pg_notify('clock', '');
    RETURN NULL;
END $$;
CREATE TRIGGER moved AFTER UPDATE ON clock FOR EACH ROW EXECUTE FUNCTION clock_moved();
