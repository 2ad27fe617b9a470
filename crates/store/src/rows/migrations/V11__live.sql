-- What was deleted lately, for live feeds that look every second.
CREATE INDEX deleted_article_time ON deleted_article (account, deleted_at);
