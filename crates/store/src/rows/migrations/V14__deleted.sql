-- When a video was deleted, for live feeds whose hint was lost; articles have rows of their own for that.
ALTER TABLE mass ADD COLUMN deleted_at INTEGER;
CREATE INDEX mass_deleted ON mass (account, deleted_at) WHERE deleted_at IS NOT NULL;
