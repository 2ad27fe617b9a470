-- The library: permanent materials, drafts, publications. Permanent is what has no expires_at.

-- The file's name, and the picture under whose number an image or cover has its address; a video made by
-- uploadvideo names the permanent video it was made from, and goes with it.
ALTER TABLE media ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE media ADD COLUMN image INTEGER;
ALTER TABLE media ADD COLUMN source TEXT;
CREATE INDEX media_library ON media (account, kind, serial) WHERE expires_at IS NULL;
CREATE INDEX media_source ON media (account, source) WHERE source IS NOT NULL;

-- shelf: 0 temporary, 1 material, 2 draft. serial: the order within the account's kept news. number: the
-- msg_data_id that this version gets once it is sent or published.
ALTER TABLE news ADD COLUMN shelf INTEGER NOT NULL DEFAULT 0;
ALTER TABLE news ADD COLUMN serial INTEGER;
ALTER TABLE news ADD COLUMN number INTEGER;
ALTER TABLE news ADD COLUMN updated_at INTEGER;
CREATE INDEX news_number ON news (account, number) WHERE number IS NOT NULL;
CREATE INDEX news_library ON news (account, shelf, serial) WHERE serial IS NOT NULL;

-- Drafts published without a mass send. state: domain::library::PublishStatus.
CREATE TABLE publication (
    account INTEGER NOT NULL,
    id INTEGER NOT NULL,
    news INTEGER NOT NULL,
    state INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE INDEX publication_news ON publication (account, news);
