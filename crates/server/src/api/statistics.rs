//! Article and follower statistics: `/datacube/*` (spec accounts §11).
//!
//! Read are article pages; nobody shares, keeps or leaves a page here, so those figures are 0. People are counted
//! where readers say who they are (`pages::article`), times for everybody.

use std::collections::BTreeMap;

use axum::extract::State;
use domain::{
    account::Account,
    id::NewsId,
    statistics::{ArticleNo, Days, ReadSource, Reads, check_span},
    time::Day,
};
use wire::{
    errcode::ErrCode,
    statistics::{
        ALL_SOURCES, ArticleDetail, ArticleSummary, ArticleTotal, Figures, List, Span, UserCumulate,
        UserRead, UserShare, UserSummary,
    },
};

use crate::{
    api::{
        body::Wire,
        caller::Caller,
        error::{Answer, ApiError, ApiResult},
    },
    app::App,
};

/// Days for which an article's figures are added up after it was sent.
const TOTAL_DAYS: i32 = 7;

/// `POST /datacube/getarticlesummary`: the articles read on a day.
pub async fn article_summary(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(span): Wire<Span>,
) -> ApiResult<List<ArticleSummary>> {
    let days = days(&app, span, 1)?;
    let mut list = Vec::new();
    for (article, reads) in app.store.reads_by_article(account.id, days).await? {
        list.push(ArticleSummary {
            ref_date: days.first.text(),
            msgid: msg_id(article),
            title: title(&app, &account, article).await?,
            figures: figures(&reads),
        });
    }
    Ok(Answer(List { list }))
}

/// `POST /datacube/getarticletotal`: the articles sent on a day, and how they were read in the seven days since.
pub async fn article_total(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(span): Wire<Span>,
) -> ApiResult<List<ArticleTotal>> {
    let day = days(&app, span, 1)?.first;
    let yesterday = app.calendar.day(app.now()).plus(-1);
    let counted = Days {
        first: day,
        last: day.plus(TOTAL_DAYS - 1).min(yesterday),
    };
    let mut sent: BTreeMap<NewsId, u64> = BTreeMap::new();
    for mass in app.store.sent_news(account.id, day).await? {
        *sent.entry(mass.news).or_default() += mass.delivered;
    }
    let news: Vec<NewsId> = sent.keys().copied().collect();
    let reads = app.store.reads_of_news(account.id, &news, counted).await?;
    let mut list = Vec::new();
    for (news, target) in sent {
        let Some(frozen) = app.store.frozen_news(account.id, news).await? else {
            continue;
        };
        for (article, index) in frozen.news.articles.iter().zip(1_u8..) {
            let number = ArticleNo { news, index };
            list.push(ArticleTotal {
                ref_date: day.text(),
                msgid: msg_id(number),
                title: article.article.title.clone(),
                details: details(number, target, counted, &reads),
            });
        }
    }
    Ok(Answer(List { list }))
}

/// `POST /datacube/getuserread`: all articles together, by day.
pub async fn user_read(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(span): Wire<Span>,
) -> ApiResult<List<UserRead>> {
    let days = days(&app, span, 3)?;
    let by_day = app.store.reads_by_day(account.id, days).await?;
    let list = by_day
        .iter()
        .flat_map(|(day, reads)| user_reads(*day, None, reads));
    Ok(Answer(List { list: list.collect() }))
}

/// `POST /datacube/getuserreadhour`: the same by hour.
pub async fn user_read_hour(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(span): Wire<Span>,
) -> ApiResult<List<UserRead>> {
    let days = days(&app, span, 1)?;
    let by_hour = app.store.reads_by_hour(account.id, days.first).await?;
    let list = by_hour
        .iter()
        .flat_map(|(hour, reads)| user_reads(days.first, Some(i64::from(*hour) * 100), reads));
    Ok(Answer(List { list: list.collect() }))
}

/// `POST /datacube/getusershare`: nobody shares here.
pub async fn user_share(
    State(app): State<App>,
    Caller(_): Caller,
    Wire(span): Wire<Span>,
) -> ApiResult<List<UserShare>> {
    days(&app, span, 7)?;
    Ok(Answer(List { list: Vec::new() }))
}

/// `POST /datacube/getusersharehour`: nobody shares here.
pub async fn user_share_hour(
    State(app): State<App>,
    Caller(_): Caller,
    Wire(span): Wire<Span>,
) -> ApiResult<List<UserShare>> {
    days(&app, span, 1)?;
    Ok(Answer(List { list: Vec::new() }))
}

/// `POST /datacube/getusersummary`: who came and who left, by day; imported followers came on the day of the import.
pub async fn user_summary(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(span): Wire<Span>,
) -> ApiResult<List<UserSummary>> {
    let days = days(&app, span, 7)?;
    let followers = app.store.follower_days(account.id, days).await?;
    let list = followers.into_iter().map(|day| UserSummary {
        ref_date: day.day.text(),
        user_source: 0,
        new_user: number(day.gained),
        cancel_user: number(day.lost),
    });
    Ok(Answer(List { list: list.collect() }))
}

/// `POST /datacube/getusercumulate`: followers at the end of each day.
pub async fn user_cumulate(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(span): Wire<Span>,
) -> ApiResult<List<UserCumulate>> {
    let days = days(&app, span, 7)?;
    let followers = app.store.follower_days(account.id, days).await?;
    let list = followers.into_iter().map(|day| UserCumulate {
        ref_date: day.day.text(),
        cumulate_user: number(day.total),
    });
    Ok(Answer(List { list: list.collect() }))
}

fn days(app: &App, span: Span, days_max: i32) -> Result<Days, ApiError> {
    let first = span.begin_date.required(ErrCode::DateFormatError)?;
    let last = span.end_date.required(ErrCode::DateFormatError)?;
    Ok(check_span(&first, &last, days_max, app.now(), &app.calendar)?)
}

/// The article's name in statistics; its first half is the `msg_data_id` of the send (S84).
fn msg_id(article: ArticleNo) -> String {
    format!("{}_{}", article.news, article.index)
}

async fn title(app: &App, account: &Account, article: ArticleNo) -> Result<String, ApiError> {
    let news = app.store.frozen_news(account.id, article.news).await?;
    let place = usize::from(article.index).saturating_sub(1);
    let article = news.as_ref().and_then(|news| news.news.articles.get(place));
    Ok(article.map_or_else(String::new, |article| article.article.title.clone()))
}

/// Day by day, each with everything before it.
fn details(
    article: ArticleNo,
    target: u64,
    days: Days,
    reads: &BTreeMap<(ArticleNo, Day), Reads>,
) -> Vec<ArticleDetail> {
    let mut sum = Reads::default();
    let details = days.each().map(|day| {
        if let Some(reads) = reads.get(&(article, day)) {
            sum.add(*reads);
        }
        ArticleDetail {
            stat_date: day.text(),
            target_user: number(target),
            figures: figures(&sum),
            int_page_from_session_read_user: number(sum.people),
            int_page_from_session_read_count: number(sum.session),
            int_page_from_other_read_count: number(sum.other),
            ..ArticleDetail::default()
        }
    });
    details.collect()
}

/// One row for all sources, and one for each that was seen.
fn user_reads(day: Day, ref_hour: Option<i64>, reads: &Reads) -> Vec<UserRead> {
    let row = |user_source, people: u64, times: u64| UserRead {
        ref_date: day.text(),
        ref_hour,
        user_source,
        figures: Figures {
            int_page_read_user: number(people),
            int_page_read_count: number(times),
            ..Figures::default()
        },
    };
    let mut rows = vec![row(ALL_SOURCES, reads.people, reads.times())];
    if reads.session > 0 || reads.people > 0 {
        rows.push(row(ReadSource::Session.number(), reads.people, reads.session));
    }
    if reads.other > 0 {
        rows.push(row(ReadSource::Other.number(), 0, reads.other));
    }
    rows
}

fn figures(reads: &Reads) -> Figures {
    Figures {
        int_page_read_user: number(reads.people),
        int_page_read_count: number(reads.times()),
        ..Figures::default()
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
