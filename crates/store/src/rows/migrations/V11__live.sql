-- What was taken back lately, for live feeds that look every second.
CREATE INDEX mass_recalled ON mass (recalled_at) WHERE recalled_at IS NOT NULL;
CREATE INDEX deleted_article_time ON deleted_article (deleted_at);
