-- Two people for each right: one makes an account or a key, another grants it. Without a grant neither can do anything.
ALTER TABLE account
    ADD COLUMN publisher  text NOT NULL DEFAULT '',     -- role partner: whose feeds they are; '' = of the account's name
    ADD COLUMN made_by    text NOT NULL DEFAULT '',     -- who knows its first password
    ADD COLUMN granted    timestamptz,
    ADD COLUMN granted_by text NOT NULL DEFAULT '';
UPDATE account SET granted = created;
ALTER TABLE account ADD CHECK (granted IS NULL OR role <> '');

ALTER TABLE key
    ADD COLUMN made_by    text NOT NULL DEFAULT '',
    ADD COLUMN granted    timestamptz,
    ADD COLUMN granted_by text NOT NULL DEFAULT '';
UPDATE key SET granted = created;

ALTER TABLE audit ADD COLUMN origin text NOT NULL DEFAULT '';   -- from where: an address, or `local`
CREATE INDEX ON audit (who, id);
