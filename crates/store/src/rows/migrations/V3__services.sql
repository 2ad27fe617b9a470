-- Counted calls, comments, reads.

ALTER TABLE account ADD COLUMN comment_enabled INTEGER NOT NULL DEFAULT 1;

-- Calls that are counted by day (Q7, Q8) and clearings of the quota by month; of the newest period only.
CREATE TABLE call_count (
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    period INTEGER NOT NULL,       -- a day, or a month
    used INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;

-- What comment/open and comment/close said last; without a row the article's own switch holds.
CREATE TABLE comment_switch (
    account INTEGER NOT NULL,
    news INTEGER NOT NULL,
    article INTEGER NOT NULL,      -- position from 1
    open INTEGER NOT NULL,
    PRIMARY KEY (account, news, article)
) WITHOUT ROWID;

-- state: 0 normal, 1 elected, 2 deleted by its reader.
CREATE TABLE comment (
    account INTEGER NOT NULL,
    news INTEGER NOT NULL,
    article INTEGER NOT NULL,
    id INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    content TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    state INTEGER NOT NULL,
    reply TEXT,
    replied_at INTEGER,
    PRIMARY KEY (account, news, article, id)
) WITHOUT ROWID;
CREATE INDEX comment_reader ON comment (account, news, article, ordinal);

-- Loads of article pages. source: 0 an inbox, 5 unknown.
CREATE TABLE article_reads (
    account INTEGER NOT NULL,
    day INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    news INTEGER NOT NULL,
    article INTEGER NOT NULL,
    source INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (account, day, hour, news, article, source)
) WITHOUT ROWID;

-- Who loaded them, as far as they said so.
CREATE TABLE article_readers (
    account INTEGER NOT NULL,
    day INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    news INTEGER NOT NULL,
    article INTEGER NOT NULL,
    block INTEGER NOT NULL,
    bits BLOB NOT NULL,
    PRIMARY KEY (account, day, hour, news, article, block)
);

-- Who came and who left, by day.
CREATE TABLE follower_change (
    account INTEGER NOT NULL,
    day INTEGER NOT NULL,
    gained INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    PRIMARY KEY (account, day)
) WITHOUT ROWID;
