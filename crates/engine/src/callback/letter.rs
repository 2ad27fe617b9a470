//! What an event says, and how it is packed for its receiver.

use domain::{
    account::{Account, Callback, CallbackMode},
    compat::Behaviour,
    content::Content,
    id::{AccountId, MassId, PublishId},
    library::PublishStatus,
    link::{Link, LinkKey, LinkKind},
    mass::{Counts, Mass, MassState},
    originality::{self, ORIGINAL_ARTICLE_TYPE, Verdict},
};
use store::{
    Store,
    media::FrozenNews,
    original::{ArticleKey, Finding},
    outbox::{Event, EventKind},
};
use wire::callback::{
    AesKey, Envelope, Letter, Mode, Query, Seal, Stamp,
    event::{Appendix, Change, CopyrightItem, Following, MassFinished, PublishFinished},
};

/// What a request is signed with.
pub(super) struct OwnedStamp {
    pub(super) token: String,
    pub(super) timestamp: i64,
    pub(super) nonce: String,
}

impl OwnedStamp {
    fn stamp(&self) -> Stamp<'_> {
        Stamp {
            token: &self.token,
            timestamp: self.timestamp,
            nonce: &self.nonce,
        }
    }
}

/// The parameters of the GET handshake.
pub(super) fn verification(stamp: &OwnedStamp, echo: &str) -> Query {
    wire::callback::verification(&stamp.stamp(), echo)
}

/// An event in words, not yet packed.
pub(super) struct Draft {
    pub(super) xml: String,
    open_id: Option<String>,
}

impl Draft {
    /// Packs the event as the account's mode asks.
    pub(super) fn seal(
        &self,
        account: &Account,
        callback: &Callback,
        stamp: &OwnedStamp,
        random: [u8; 16],
    ) -> Result<Envelope, String> {
        let letter = Letter {
            xml: &self.xml,
            to: &account.original_id,
            openid: self.open_id.as_deref(),
        };
        let key;
        let mode = match callback.mode {
            CallbackMode::Plain => Mode::Plain,
            CallbackMode::Compatible | CallbackMode::Safe => {
                key = AesKey::parse(&callback.aes_key).map_err(|_| "the EncodingAESKey cannot be read")?;
                let seal = Seal {
                    key: &key,
                    appid: &account.app_id.0,
                    random,
                };
                if callback.mode == CallbackMode::Safe {
                    Mode::Safe(seal)
                } else {
                    Mode::Compatible(seal)
                }
            }
        };
        Ok(Envelope::new(&letter, &mode, &stamp.stamp()))
    }
}

/// Writes an event down; the same event gives the same text at every try.
pub(super) async fn draft(
    store: &dyn Store,
    links: &LinkKey,
    public_url: &str,
    account: &Account,
    event: &Event,
) -> Result<Draft, String> {
    let (ordinal, change) = match event.kind {
        EventKind::MassFinished(mass) => {
            return finished(store, links, public_url, account, event, mass).await;
        }
        EventKind::Subscribed(ordinal) => (ordinal, Change::Subscribe),
        EventKind::Unsubscribed(ordinal) => (ordinal, Change::Unsubscribe),
        EventKind::Published(id) => return published(store, links, public_url, account, event, id).await,
    };
    let open_id = account.open_id_key.seal(ordinal).0;
    let following = Following {
        to: account.original_id.clone(),
        openid: open_id.clone(),
        create_time: event.create_time,
        change,
    };
    Ok(Draft {
        xml: following.to_xml(),
        open_id: Some(open_id),
    })
}

async fn finished(
    store: &dyn Store,
    links: &LinkKey,
    public_url: &str,
    account: &Account,
    event: &Event,
    id: MassId,
) -> Result<Draft, String> {
    let mass = store
        .mass(account.id, id)
        .await
        .map_err(|error| error.to_string())?;
    let mass = mass.ok_or("the mass is gone")?;
    let refused = matches!(mass.state, MassState::Refused(_));
    let counts = if refused { Counts::default() } else { mass.counts };
    let findings = store
        .findings(account.id, id)
        .await
        .map_err(|error| error.to_string())?;
    let verdicts: Vec<Verdict> = findings.iter().map(|finding| finding.verdict).collect();
    let check_state = originality::judge(&verdicts, mass.send_ignore_reprint).check_state;
    let url_of = |key: ArticleKey| article_url(links, public_url, key);
    let event = MassFinished {
        to: account.original_id.clone(),
        create_time: event.create_time,
        msg_id: id.0,
        status: mass.state.event_status(),
        total: number(counts.total),
        filtered: number(counts.after_filters()),
        sent: number(counts.sent()),
        error: number(counts.errors()),
        copyright: findings
            .iter()
            .map(|finding| item(finding, url_of(finding.original)))
            .collect(),
        check_state: i64::from(check_state.number()),
        articles: articles(store, &mass).await?.into_iter().map(url_of).collect(),
    };
    let appendix = Appendix {
        copyright: account.has(Behaviour::Originality),
        articles: account.has(Behaviour::ArticleUrls),
    };
    Ok(Draft {
        xml: event.to_xml_with(appendix),
        open_id: None,
    })
}

async fn published(
    store: &dyn Store,
    links: &LinkKey,
    public_url: &str,
    account: &Account,
    event: &Event,
    id: PublishId,
) -> Result<Draft, String> {
    let publication = store
        .publication(account.id, id)
        .await
        .map_err(|error| error.to_string())?
        .ok_or("the publication is gone")?;
    let news = store
        .frozen_news(account.id, publication.news)
        .await
        .map_err(|error| error.to_string())?
        .filter(|_| publication.status.was_public());
    let article_id = links.seal(Link {
        kind: LinkKind::Publication,
        account: account.id,
        number: id.0.unsigned_abs(),
        index: 0,
    });
    // What was deleted since was published when this happened.
    let status = match publication.status {
        PublishStatus::Deleted | PublishStatus::Blocked => PublishStatus::Published,
        status => status,
    };
    let articles = match &news {
        Some(news) => article_keys(account.id, news),
        None => Vec::new(),
    };
    let event = PublishFinished {
        to: account.original_id.clone(),
        create_time: event.create_time,
        publish_id: id.0,
        publish_status: i64::from(status.number()),
        article_id: if news.is_some() { article_id } else { String::new() },
        articles: articles
            .into_iter()
            .map(|key| article_url(links, public_url, key))
            .collect(),
        fail_idx: Vec::new(),
    };
    Ok(Draft {
        xml: event.to_xml(),
        open_id: None,
    })
}

fn item(finding: &Finding, original_article_url: String) -> CopyrightItem {
    let verdict = finding.verdict;
    CopyrightItem {
        article_idx: i64::from(finding.article),
        user_declare_state: i64::from(finding.declared.number()),
        audit_state: i64::from(verdict.audit_state().number()),
        original_article_url,
        original_article_type: i64::from(ORIGINAL_ARTICLE_TYPE),
        can_reprint: verdict.can_reprint(),
        need_replace_content: verdict.need_replace_content(),
        need_show_reprint_source: verdict.need_show_reprint_source(),
    }
}

/// The articles of news that were sent.
async fn articles(store: &dyn Store, mass: &Mass) -> Result<Vec<ArticleKey>, String> {
    let Content::News(id) = mass.content else {
        return Ok(Vec::new());
    };
    if !matches!(mass.state, MassState::Succeeded | MassState::Deleted) {
        return Ok(Vec::new());
    }
    let news = store
        .frozen_news(mass.account, id)
        .await
        .map_err(|error| error.to_string())?;
    Ok(news.map_or_else(Vec::new, |news| article_keys(mass.account, &news)))
}

fn article_keys(account: AccountId, news: &FrozenNews) -> Vec<ArticleKey> {
    (1..)
        .zip(&news.news.articles)
        .map(|(article, _)| ArticleKey {
            account,
            news: news.id,
            article,
        })
        .collect()
}

fn article_url(links: &LinkKey, public_url: &str, key: ArticleKey) -> String {
    let link = links.seal(Link {
        kind: LinkKind::Article,
        account: key.account,
        number: key.news.0.unsigned_abs(),
        index: key.article,
    });
    format!("{public_url}/s/{link}")
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
