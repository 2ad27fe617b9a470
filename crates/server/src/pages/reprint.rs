//! What stands on the page of a reprint (转载): another account's original, with its source (spec mass-send §14.5).

use domain::{account::Account, compat::Behaviour, id::NewsId, link::LinkKind};
use store::{StoreResult, original::ArticleKey};

use crate::{app::App, pages::page::Source};

/// What a page shows in the place of an article.
pub enum Shown {
    /// The article itself.
    Own,
    /// The article itself, named as a reprint: its original was never published here.
    Named(Source),
    /// The original's text.
    Original {
        /// Sanitised when it was handed in.
        body: String,
        /// Whose it is.
        source: Source,
    },
    /// Nothing: the original was deleted or recalled.
    Gone,
}

/// What the page of a sent article shows.
pub async fn of_sent(app: &App, article: ArticleKey) -> StoreResult<Shown> {
    match app.store.reprint_of(article).await? {
        Some(original) => shown(app, original).await,
        None => Ok(Shown::Own),
    }
}

/// What a send of this article would show, for its preview (spec mass-send §14.8).
pub async fn of_preview(app: &App, account: &Account, news: NewsId, article: u8) -> StoreResult<Shown> {
    if !account.has(Behaviour::Originality) {
        return Ok(Shown::Own);
    }
    let check = app.store.check_originality(account.id, news, true).await?;
    let found = check.findings.iter().find(|finding| finding.article == article);
    match found.filter(|finding| finding.verdict.need_replace_content()) {
        Some(finding) => shown(app, finding.original).await,
        None => Ok(Shown::Own),
    }
}

async fn shown(app: &App, original: ArticleKey) -> StoreResult<Shown> {
    let author = app.store.account_by_id(original.account).await?;
    let news = app.store.frozen_news(original.account, original.news).await?;
    let (Some(author), Some(news)) = (author, news) else {
        return Ok(Shown::Gone);
    };
    let place = usize::from(original.article).saturating_sub(1);
    let deleted = news.deleted.get(place).copied().unwrap_or(false);
    let source = |url| Source {
        account: author.name.clone(),
        url,
    };
    Ok(match news.news.articles.get(place) {
        _ if deleted || news.recalled => Shown::Gone,
        // What its author never published is nobody else's to show.
        _ if !news.published => Shown::Named(source(None)),
        Some(found) => Shown::Original {
            body: found.article.content.clone(),
            source: source(Some(page_of(app, original))),
        },
        None => Shown::Gone,
    })
}

fn page_of(app: &App, article: ArticleKey) -> String {
    let link = app.link(
        LinkKind::Article,
        article.account,
        article.news.0,
        article.article,
    );
    app.public(&format!("/s/{link}"))
}
