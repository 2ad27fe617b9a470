-- Persons: one external id in all accounts that know it.

CREATE TABLE person_token (
    hash BLOB PRIMARY KEY,
    external_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX person_token_person ON person_token (external_id);
CREATE INDEX person_token_expiry ON person_token (expires_at);
CREATE INDEX inbox_token_reader ON inbox_token (account, ordinal);

-- What a reader said about an account's entries; only those who ever did have a row.
CREATE TABLE inbox_mark (
    account INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    next_sequence INTEGER NOT NULL,  -- everything below it was read
    muted INTEGER NOT NULL,
    PRIMARY KEY (account, ordinal)
) WITHOUT ROWID;

-- Which masses were taken back since an instant.
CREATE INDEX mass_recalled ON mass (account, recalled_at) WHERE recalled_at IS NOT NULL;
