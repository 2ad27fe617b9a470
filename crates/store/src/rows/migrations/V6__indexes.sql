-- What is looked for often or in bulk.

-- The elected comments of an article's page. (A comment's state 3 is: deleted by the account.)
CREATE INDEX comment_elected ON comment (account, news, article, id) WHERE state = 1;

-- The news that an account sent on a day.
CREATE INDEX mass_news_sent ON mass (account, accepted_at) WHERE news IS NOT NULL;

-- What has expired, for clearing away a few rows at a time.
CREATE INDEX access_token_expiry ON access_token (expires_at);
CREATE INDEX inbox_token_expiry ON inbox_token (expires_at);
