-- What only a server that several processes share has need of. Embedded, one process holds the folder's lock and its
-- one writer, and leases live in memory.

-- A transaction that writes an account's rows locks the account's row here first; 0 stands for what belongs to none.
-- `written` counts transactions, for nodes that keep answers in memory.
-- postgres: CREATE TABLE account_lock (account BIGINT PRIMARY KEY, written BIGINT NOT NULL DEFAULT 0);

-- Who releases which batch, and until when that is believed (I16, I18). An epoch is never given twice.
-- postgres: CREATE TABLE lease (account BIGINT NOT NULL, mass BIGINT NOT NULL, block BIGINT NOT NULL, epoch BIGINT NOT NULL, worker TEXT NOT NULL, until BIGINT NOT NULL, PRIMARY KEY (account, mass, block));

-- Bits are written compactly already; squeezing them again would cost more than it saves.
-- postgres: ALTER TABLE block_set ALTER COLUMN bits SET STORAGE EXTERNAL;
-- postgres: ALTER TABLE batch ALTER COLUMN target SET STORAGE EXTERNAL;
-- postgres: ALTER TABLE delivery ALTER COLUMN delivered SET STORAGE EXTERNAL;
