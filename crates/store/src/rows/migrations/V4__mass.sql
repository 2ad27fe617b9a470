ALTER TABLE account ADD COLUMN protect INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN declare_original INTEGER NOT NULL DEFAULT 1;
ALTER TABLE account ADD COLUMN compat_date TEXT;

ALTER TABLE mass ADD COLUMN pictures TEXT;            -- of image messages in the form of several: JSON
ALTER TABLE mass ADD COLUMN checked INTEGER NOT NULL DEFAULT 1;  -- 0 until review and originality check passed
ALTER TABLE mass ADD COLUMN confirm_by INTEGER;       -- until when it waits for the administrator
ALTER TABLE mass ADD COLUMN recalled_at INTEGER;
ALTER TABLE mass ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mass ADD COLUMN ignore_reprint INTEGER NOT NULL DEFAULT 0;
-- The history list: sends to all and operator-site sends that succeeded.
CREATE INDEX mass_history ON mass (account, finished_at, id)
    WHERE charged_history = 1 AND state IN (1, 4) AND recalled_at IS NULL;

-- Requests to be accepted later. state: 0 waiting, 1 sent, 2 refused, 3 cancelled.
CREATE TABLE schedule (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,
    send_at INTEGER NOT NULL,
    request TEXT NOT NULL,         -- what is to be sent to whom: JSON
    state INTEGER NOT NULL,
    mass INTEGER,
    refusal TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE INDEX schedule_due ON schedule (send_at) WHERE state = 0;

CREATE TABLE card (
    account INTEGER NOT NULL,
    id TEXT NOT NULL,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

-- Articles that accounts declared original.
CREATE TABLE original (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,
    news INTEGER NOT NULL,         -- frozen_news
    article INTEGER NOT NULL,      -- position from 1
    can_reprint INTEGER NOT NULL,
    declared_at INTEGER NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, news, article)
);
-- Accounts that may publish an original as their own (白名单).
CREATE TABLE original_allowed (
    account INTEGER NOT NULL,
    original INTEGER NOT NULL,
    allowed INTEGER NOT NULL,
    PRIMARY KEY (account, original, allowed)
) WITHOUT ROWID;
-- Where likely copies of originals are found. The one table that is looked through over all accounts, because
-- that is what the check is for; nothing of a foreign account but the finding leaves it.
CREATE TABLE original_band (
    band INTEGER NOT NULL,
    key INTEGER NOT NULL,
    account INTEGER NOT NULL,
    original INTEGER NOT NULL,
    PRIMARY KEY (band, key, account, original)
) WITHOUT ROWID;

-- What the originality check found out about one article of a mass.
CREATE TABLE finding (
    account INTEGER NOT NULL,
    mass INTEGER NOT NULL,
    article INTEGER NOT NULL,      -- position from 1
    original_account INTEGER NOT NULL,
    original_news INTEGER NOT NULL,
    original_article INTEGER NOT NULL,
    verdict INTEGER NOT NULL,
    declared INTEGER NOT NULL,
    PRIMARY KEY (account, mass, article)
) WITHOUT ROWID;
-- Articles whose pages show another account's original and its source.
CREATE TABLE reprint (
    account INTEGER NOT NULL,
    news INTEGER NOT NULL,
    article INTEGER NOT NULL,
    original_account INTEGER NOT NULL,
    original_news INTEGER NOT NULL,
    original_article INTEGER NOT NULL,
    PRIMARY KEY (account, news, article)
) WITHOUT ROWID;
