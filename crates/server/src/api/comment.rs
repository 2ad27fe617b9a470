//! Comments (留言) on sent articles, as the account handles them (spec accounts §10). Readers write theirs through
//! `inbox`.

use axum::extract::State;
use domain::{
    account::Account,
    comment::{self, Action, Shown},
    id::{CommentId, NewsId},
    statistics::ArticleNo,
};
use wire::{
    comment::{Comment, CommentCall, ListAnswer, Reply},
    done::Done,
    errcode::ErrCode,
    field::Field,
};

use crate::{
    api::{
        body::Wire,
        caller::Caller,
        error::{Answer, ApiError, ApiResult},
    },
    app::App,
};

/// `POST /cgi-bin/comment/open`.
pub async fn open(state: State<App>, caller: Caller, request: Wire<CommentCall>) -> ApiResult<Done> {
    set_open(state, caller, request, true).await
}

/// `POST /cgi-bin/comment/close`: what was written stays, and is no longer shown.
pub async fn close(state: State<App>, caller: Caller, request: Wire<CommentCall>) -> ApiResult<Done> {
    set_open(state, caller, request, false).await
}

/// `POST /cgi-bin/comment/list`: newest first.
pub async fn list(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<CommentCall>,
) -> ApiResult<ListAnswer> {
    let article = article(&account, &request)?;
    let shown = match request.kind.or_malformed(ErrCode::ArgumentInvalid)? {
        None | Some(0) => Shown::All,
        Some(1) => Shown::Normal,
        Some(2) => Shown::Elected,
        Some(_) => return Err(ErrCode::ArgumentInvalid.into()),
    };
    let range = ErrCode::CommentCountRange;
    let begin = request.begin.or_malformed(range)?.unwrap_or(0);
    let begin = u64::try_from(begin).map_err(|_| range)?;
    let count = request.count.required(range)?;
    let limit = usize::try_from(count).map_err(|_| range)?;
    if !(1..=comment::PAGE_MAX).contains(&count) {
        return Err(range.into());
    }
    let page = app
        .store
        .comments(account.id, article, shown, begin, limit)
        .await??;
    Ok(Answer(ListAnswer {
        errcode: 0,
        errmsg: "ok".to_owned(),
        total: i64::try_from(page.total).unwrap_or(i64::MAX),
        comment: page
            .comments
            .into_iter()
            .map(|comment| shape(&account, comment))
            .collect(),
    }))
}

/// `POST /cgi-bin/comment/markelect`: shows it under the article.
pub async fn elect(state: State<App>, caller: Caller, request: Wire<CommentCall>) -> ApiResult<Done> {
    act(state, caller, request, |_| Ok(Action::Elect)).await
}

/// `POST /cgi-bin/comment/unmarkelect`.
pub async fn unelect(state: State<App>, caller: Caller, request: Wire<CommentCall>) -> ApiResult<Done> {
    act(state, caller, request, |_| Ok(Action::Unelect)).await
}

/// `POST /cgi-bin/comment/delete`.
pub async fn delete(state: State<App>, caller: Caller, request: Wire<CommentCall>) -> ApiResult<Done> {
    act(state, caller, request, |_| Ok(Action::Delete)).await
}

/// `POST /cgi-bin/comment/reply/add`.
pub async fn reply(state: State<App>, caller: Caller, request: Wire<CommentCall>) -> ApiResult<Done> {
    let text = |text: Field<String>| {
        let text = text.or_malformed(ErrCode::InvalidReplyLength)?;
        Ok(Action::Reply(text.unwrap_or_default()))
    };
    act(state, caller, request, text).await
}

/// `POST /cgi-bin/comment/reply/delete`.
pub async fn delete_reply(state: State<App>, caller: Caller, request: Wire<CommentCall>) -> ApiResult<Done> {
    act(state, caller, request, |_| Ok(Action::DeleteReply)).await
}

async fn set_open(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<CommentCall>,
    open: bool,
) -> ApiResult<Done> {
    let article = article(&account, &request)?;
    app.store.open_comments(account.id, article, open).await??;
    Ok(Answer(Done::default()))
}

async fn act(
    State(app): State<App>,
    Caller(account): Caller,
    Wire(request): Wire<CommentCall>,
    action: impl FnOnce(Field<String>) -> Result<Action, ErrCode>,
) -> ApiResult<Done> {
    let article = article(&account, &request)?;
    let id = CommentId(request.user_comment_id.required(ErrCode::CommentNotFound)?);
    let action = action(request.content)?;
    app.store
        .act_on_comment(account.id, article, id, action, app.now())
        .await??;
    Ok(Answer(Done::default()))
}

/// The article that a call is about; 88001 for what none can be. The wire counts from 0, we from 1.
fn article(account: &Account, request: &CommentCall) -> Result<ArticleNo, ApiError> {
    if !account.comment_enabled {
        return Err(ErrCode::NoCommentPrivilege.into());
    }
    let unknown = ErrCode::MsgDataNotFound;
    let news = NewsId(request.msg_data_id.required(unknown)?);
    let index = request.index.or_malformed(unknown)?.unwrap_or(0);
    let index = index.checked_add(1).and_then(|index| u8::try_from(index).ok());
    Ok(ArticleNo {
        news,
        index: index.filter(|index| *index > 0).ok_or(unknown)?,
    })
}

fn shape(account: &Account, comment: domain::comment::Comment) -> Comment {
    Comment {
        user_comment_id: comment.id.0,
        openid: account.open_id_key.seal(comment.reader).0,
        create_time: comment.created_at.seconds(),
        content: comment.content,
        comment_type: i64::from(comment.elected),
        reply: comment.reply.map(|reply| Reply {
            content: reply.content,
            create_time: reply.created_at.seconds(),
        }),
    }
}
