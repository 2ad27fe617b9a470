-- Bytes whose row is gone are another object than the same bytes that are stored later: a deletion that comes
-- late, from a node that stood still, deletes nothing that anybody refers to.
ALTER TABLE blob ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;

-- Objects that nothing refers to any more, until they are deleted.
CREATE TABLE retired_blob (
    id TEXT NOT NULL,
    generation INTEGER NOT NULL,
    due_at INTEGER NOT NULL,       -- when deleting it is tried
    PRIMARY KEY (id, generation)
) WITHOUT ROWID;
CREATE INDEX retired_blob_due ON retired_blob (due_at);
