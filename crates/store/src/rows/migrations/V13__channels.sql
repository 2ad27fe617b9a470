-- Channels beside the inbox: Web Push and the webhook channel. Nothing here is of one follower and one send: both walk
-- the deliveries and keep how far they came.

-- Browsers that are pushed to. The endpoint is a secret and wrapped by the vault with its keys; hash is its SHA-256.
CREATE TABLE push_subscription (
    account INTEGER NOT NULL,
    block INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    hash BLOB NOT NULL,
    external_id TEXT NOT NULL,     -- whose browser: it belongs to one person at a time
    person INTEGER NOT NULL,       -- 1: of a person, in all accounts that know it
    language TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    failures INTEGER NOT NULL,     -- in a row
    not_before INTEGER NOT NULL,   -- when it may be tried again
    pending INTEGER,               -- the delivery that is tried again then
    PRIMARY KEY (account, block, ordinal, hash)
);
CREATE INDEX push_subscription_hash ON push_subscription (hash);
CREATE INDEX push_subscription_person ON push_subscription (external_id) WHERE person = 1;
CREATE INDEX push_subscription_pending ON push_subscription (account, block, not_before) WHERE pending IS NOT NULL;

-- How far blocks with subscriptions were pushed, and who is at it. Of delivery next, everybody before place was.
CREATE TABLE push_block (
    account INTEGER NOT NULL,
    block INTEGER NOT NULL,
    next INTEGER NOT NULL,
    place INTEGER NOT NULL,
    retry_at INTEGER,              -- the earliest of its subscriptions that wait for another try
    epoch INTEGER NOT NULL,
    worker TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (account, block)
) WITHOUT ROWID;

-- Where an organisation is told who got what; address and secret are wrapped by the vault.
CREATE TABLE push_bridge (
    account INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,     -- failed tries of the batch that is next
    failing_since INTEGER,
    set_aside INTEGER NOT NULL,    -- dead letters since a batch was taken
    due_at INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    taken_at INTEGER,
    epoch INTEGER NOT NULL,
    worker TEXT NOT NULL,
    until INTEGER NOT NULL
);

-- How far each block was told; of delivery next, everybody before place was.
CREATE TABLE bridge_block (
    account INTEGER NOT NULL,
    block INTEGER NOT NULL,
    next INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (account, block)
) WITHOUT ROWID;

-- What a bridge did not take: places of one delivery.
CREATE TABLE dead_letter (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,
    mass INTEGER NOT NULL,
    block INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    from_place INTEGER NOT NULL,
    to_place INTEGER NOT NULL,
    followers INTEGER NOT NULL,
    reason TEXT NOT NULL,
    set_aside_at INTEGER NOT NULL,
    resend INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
