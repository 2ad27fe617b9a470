-- Every key begins with the account and, where it grows with followers, the block.
-- Times are milliseconds since 1970; bits are encoded blocks (domain::block).

CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    app_id TEXT NOT NULL UNIQUE,
    original_id TEXT NOT NULL UNIQUE,
    secret_hash BLOB NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    verified INTEGER NOT NULL,
    pay_enabled INTEGER NOT NULL,
    repeat_check INTEGER NOT NULL,
    quota TEXT NOT NULL,
    speed INTEGER,
    callback BLOB,                 -- wrapped by the vault
    open_id_secret BLOB NOT NULL,  -- wrapped by the vault
    created_at INTEGER NOT NULL
);

-- The next free numbers of an account; apart from the account, because they change with every call.
CREATE TABLE counter (
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    next INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;

-- What is used of the quotas Q1, Q2, Q4, Q5, Q6.
CREATE TABLE usage (
    account INTEGER PRIMARY KEY,
    day INTEGER NOT NULL,
    sends_today INTEGER NOT NULL,
    calls_today INTEGER NOT NULL,
    history_today INTEGER NOT NULL,
    month INTEGER NOT NULL,
    history_this_month INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    calls_this_minute INTEGER NOT NULL,
    latest INTEGER NOT NULL
);

CREATE TABLE access_token (
    hash BLOB PRIMARY KEY,
    account INTEGER NOT NULL,
    stable INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,  -- earlier than expires_at once replaced
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX access_token_account ON access_token (account, stable, valid_until);

CREATE TABLE stable_token (
    account INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    force_day INTEGER NOT NULL,
    forces INTEGER NOT NULL,
    forced_at INTEGER NOT NULL
);

CREATE TABLE inbox_token (
    hash BLOB PRIMARY KEY,
    account INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

-- The key is account * 2^32 + ordinal: SQLite appends to an integer key fastest.
CREATE TABLE follower (
    key INTEGER PRIMARY KEY,
    external_id TEXT NOT NULL,
    nickname TEXT NOT NULL,
    head_image TEXT NOT NULL,
    remark TEXT NOT NULL,
    language TEXT NOT NULL,
    subscribed_at INTEGER NOT NULL
);

-- Who an external id is; apart from the follower, so that an import can fill it in sorted runs. A follower
-- exists once it stands here. The external id comes first: one person is found in all accounts at once.
CREATE TABLE follower_external (
    external_id TEXT NOT NULL,
    account INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    PRIMARY KEY (external_id, account)
) WITHOUT ROWID;

-- Tiny and hot: the next sequence number of a block's deliveries.
CREATE TABLE block_head (
    account INTEGER NOT NULL,
    block INTEGER NOT NULL,
    next_sequence INTEGER NOT NULL,
    released_at INTEGER NOT NULL,
    PRIMARY KEY (account, block)
) WITHOUT ROWID;

-- kind: 0 subscribed, 1 blacklisted, 2 opted out, 3 opted out of tag id, 4 tag id.
CREATE TABLE block_set (
    account INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    id INTEGER NOT NULL,
    block INTEGER NOT NULL,
    cardinality INTEGER NOT NULL,
    bits BLOB NOT NULL,
    PRIMARY KEY (account, kind, id, block)
);

CREATE TABLE tag (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, name)
) WITHOUT ROWID;

CREATE TABLE media (
    account INTEGER NOT NULL,
    id TEXT NOT NULL,
    serial INTEGER NOT NULL,
    kind TEXT NOT NULL,
    blob TEXT NOT NULL,
    blob_type TEXT NOT NULL,
    blob_length INTEGER NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (account, id),
    UNIQUE (account, serial)
) WITHOUT ROWID;
CREATE INDEX media_expiry ON media (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE news (
    account INTEGER NOT NULL,
    id TEXT NOT NULL,
    articles TEXT NOT NULL,
    digest BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (account, id)
);
CREATE INDEX news_expiry ON news (expires_at) WHERE expires_at IS NOT NULL;

-- A news as it was when it was sent: same material and content, same number, same links.
CREATE TABLE frozen_news (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,
    media TEXT NOT NULL,
    digest BLOB NOT NULL,
    articles TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, media, digest)
);

CREATE TABLE deleted_article (
    account INTEGER NOT NULL,
    news INTEGER NOT NULL,
    article INTEGER NOT NULL,      -- position from 1
    deleted_at INTEGER NOT NULL,
    PRIMARY KEY (account, news, article)
) WITHOUT ROWID;

CREATE TABLE image (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,
    blob TEXT NOT NULL,
    blob_type TEXT NOT NULL,
    blob_length INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

-- Bytes that are stored, and who refers to them; without a reference they are collected a day later.
CREATE TABLE blob (
    id TEXT PRIMARY KEY,
    used_until INTEGER NOT NULL    -- when it was stored, or when the last reference went
) WITHOUT ROWID;
CREATE TABLE blob_use (
    blob TEXT NOT NULL,
    account INTEGER NOT NULL,
    owner TEXT NOT NULL,           -- media:ID, news:ID, frozen:ID, image:ID, mass:ID
    PRIMARY KEY (blob, account, owner)
) WITHOUT ROWID;
CREATE INDEX blob_use_owner ON blob_use (account, owner);

-- Mass sends and previews. origin: 0 API, 1 site, 2 preview. state: 0 sending, 1 succeeded, 2 failed,
-- 3 refused, 4 deleted.
CREATE TABLE mass (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    state INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    type TEXT NOT NULL,
    text TEXT NOT NULL,            -- the text, or a video's title
    description TEXT NOT NULL,     -- a video's
    blob TEXT,
    blob_type TEXT,
    blob_length INTEGER,
    news INTEGER,
    audience_tag INTEGER,          -- only of masses to a tag
    repeat_key BLOB,
    charged_api INTEGER NOT NULL,
    charged_history INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    finished_at INTEGER,
    total INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    over_quota INTEGER NOT NULL,
    blacklisted INTEGER NOT NULL,
    opted_out INTEGER NOT NULL,
    left_since INTEGER NOT NULL,
    seal INTEGER NOT NULL,         -- a checksum of the columns that are told (rows/seal.rs)
    base_count INTEGER NOT NULL,
    base_time INTEGER NOT NULL,
    per_minute INTEGER,
    PRIMARY KEY (account, id)
);
CREATE INDEX mass_running ON mass (accepted_at) WHERE state = 0;
CREATE INDEX mass_news ON mass (account, news) WHERE news IS NOT NULL;
CREATE INDEX mass_previews ON mass (accepted_at) WHERE origin = 2;

-- One mass and one block, not yet released.
CREATE TABLE batch (
    account INTEGER NOT NULL,
    mass INTEGER NOT NULL,
    block INTEGER NOT NULL,
    before INTEGER NOT NULL,       -- targets of its mass in earlier blocks
    target BLOB NOT NULL,
    PRIMARY KEY (account, mass, block)
);

-- The same, released. The delivered set stands before the reasons, because months are counted and inboxes
-- are read from it alone; counts stand before all sets. (account, mass, block) is unique: I2.
CREATE TABLE delivery (
    account INTEGER NOT NULL,
    block INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    mass INTEGER NOT NULL,
    preview INTEGER NOT NULL,
    month INTEGER NOT NULL,
    released_at INTEGER NOT NULL,
    delivered_count INTEGER NOT NULL,
    over_quota_count INTEGER NOT NULL,
    blacklisted_count INTEGER NOT NULL,
    opted_out_count INTEGER NOT NULL,
    left_count INTEGER NOT NULL,
    seal INTEGER NOT NULL,         -- a checksum of the columns before it (rows/seal.rs)
    delivered BLOB NOT NULL,
    over_quota BLOB,
    blacklisted BLOB,
    opted_out BLOB,
    left_since BLOB,
    PRIMARY KEY (account, block, sequence),
    UNIQUE (account, mass, block)
);

CREATE TABLE repeat (
    account INTEGER NOT NULL,
    key BLOB NOT NULL,
    mass INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;
CREATE INDEX repeat_age ON repeat (accepted_at);

-- kind: 0 mass finished, 1 subscribed, 2 unsubscribed. state: 0 pending, 1 delivered, 2 failed, 3 no receiver.
CREATE TABLE outbox (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    subject INTEGER NOT NULL,      -- a mass or an ordinal
    create_time INTEGER NOT NULL,  -- seconds
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    first_try_at INTEGER,
    due_at INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE state = 0;

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
