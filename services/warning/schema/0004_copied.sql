-- What is new comes in by COPY, which fills in what is left out.
ALTER TABLE matter ALTER COLUMN version SET DEFAULT nextval('warning.matter_version');
