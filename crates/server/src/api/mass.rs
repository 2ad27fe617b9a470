//! Mass sends: `sendall`, `send`, `preview`, `get`, `delete`, `speed` (spec mass-send §8–§13).

pub mod audience;
pub mod content;

use axum::extract::State;
use domain::{
    account::Account,
    audience::Audience,
    call::CountedCall,
    compat::Behaviour,
    content::NewContent,
    id::{ExternalId, MassId, NewsId, Ordinal},
    link::{Link, LinkKey, LinkKind},
    mass::{CLIENT_MSG_ID_MAX, Mass, MassState, NewMass, Origin, repeat_key},
    quota::CallTicket,
    schedule::Request,
    speed::SpeedLevel,
};
use store::{bus::Hint, crash_point, measure};
use url::Url;
use wire::{
    done::Done,
    errcode::ErrCode,
    field::{Field, Flag},
    mass::{
        Accepted, Delete, Get, GetAnswer, Message, MsgStatus, Preview, PreviewAnswer, Send, SendAll,
        SpeedAnswer, SpeedSet,
    },
};

use crate::{
    api::{
        body::Wire,
        caller::{CountedCaller, CountedServiceCaller, VerifiedCaller},
        error::{Answer, ApiError, ApiResult},
        inflight,
    },
    app::App,
};

/// `POST /cgi-bin/message/mass/sendall`: to all followers or to one tag.
pub async fn send_all(
    State(app): State<App>,
    CountedCaller { account, ticket }: CountedCaller,
    Wire(request): Wire<SendAll>,
) -> ApiResult<Accepted> {
    let request = to_filter(&app, &account, request).await?;
    let mass = new_mass(&app, &account, request, ticket, Origin::Api);
    accept(&app, &account, mass).await.map(Answer)
}

/// `POST /cgi-bin/message/mass/send`: to a list of OpenIDs; service accounts only.
pub async fn send(
    State(app): State<App>,
    CountedServiceCaller { account, ticket }: CountedServiceCaller,
    Wire(request): Wire<Send>,
) -> ApiResult<Accepted> {
    let request = to_list(&app, &account, request).await?;
    let mass = new_mass(&app, &account, request, ticket, Origin::Api);
    accept(&app, &account, mass).await.map(Answer)
}

/// `POST /cgi-bin/message/mass/preview`: to one follower, at once and without any quota.
pub async fn preview(
    State(app): State<App>,
    VerifiedCaller(account): VerifiedCaller,
    Wire(request): Wire<Preview>,
) -> ApiResult<PreviewAnswer> {
    let content = content::of_message(request.message)?;
    check_content(&app, &account, &content).await?;
    let to = preview_receiver(&app, &account, request.touser, request.towxname).await?;
    let id = app
        .store
        .send_preview(account.id, content, to, app.now())
        .await??;
    crash_point!("preview.committed");
    app.bus.publish(Hint::Released(account.id));
    app.bus.publish(Hint::Work);
    Ok(Answer(PreviewAnswer::new(id.0)))
}

/// `POST /cgi-bin/message/mass/get`: how far a mass send is.
pub async fn get(
    State(app): State<App>,
    VerifiedCaller(account): VerifiedCaller,
    Wire(request): Wire<Get>,
) -> ApiResult<GetAnswer> {
    let id = MassId(request.msg_id.required(ErrCode::InvalidMsgId)?);
    let mass = app
        .store
        .mass(account.id, id)
        .await?
        .ok_or(ErrCode::InvalidMsgId)?;
    Ok(Answer(GetAnswer {
        msg_id: mass.id.0,
        msg_status: status(&mass),
    }))
}

/// `POST /cgi-bin/message/mass/delete`: the pages die, the cards stay.
pub async fn delete(
    State(app): State<App>,
    VerifiedCaller(account): VerifiedCaller,
    Wire(request): Wire<Delete>,
) -> ApiResult<Done> {
    app.store
        .count(account.id, CountedCall::Delete, app.now())
        .await??;
    let (id, index) = match request.msg_id {
        // Before 2017 there was no index: the whole message was deleted.
        Field::Present(id) if !account.has(Behaviour::ArticleIndex) => (MassId(id), 0),
        Field::Present(id) => (MassId(id), article_index(request.article_idx)),
        Field::Malformed => return Err(ErrCode::InvalidMsgId.into()),
        Field::Absent => mass_of_url(&app, &account, request.url).await?,
    };
    crash_point!("delete.before");
    app.store
        .delete_articles(account.id, id, index, app.now())
        .await??;
    crash_point!("delete.committed");
    app.bus.publish(Hint::Changed(account.id, id));
    Ok(Answer(Done::default()))
}

/// `POST /cgi-bin/message/mass/speed/get`.
pub async fn speed(State(_): State<App>, VerifiedCaller(account): VerifiedCaller) -> ApiResult<SpeedAnswer> {
    let level = account
        .speed
        .or(SpeedLevel::new(0))
        .ok_or(ErrCode::SpeedServerError)?;
    let realspeed = i64::from(level.real_speed());
    Ok(Answer(SpeedAnswer {
        speed: i64::from(level.number()),
        realspeed,
    }))
}

/// `POST /cgi-bin/message/mass/speed/set`: holds for running mass sends too.
pub async fn set_speed(
    State(app): State<App>,
    VerifiedCaller(account): VerifiedCaller,
    Wire(request): Wire<SpeedSet>,
) -> ApiResult<Done> {
    let level = request
        .speed
        .required_or(ErrCode::SpeedMissing, ErrCode::SpeedOutOfRange)?;
    let level = SpeedLevel::new(level).ok_or(ErrCode::SpeedOutOfRange)?;
    let per_minute = app.settings.speeds.of_level(level);
    app.store
        .set_speed(account.id, level, per_minute, app.now())
        .await?;
    app.bus.publish(Hint::Work);
    Ok(Answer(Done::default()))
}

/// What a body of sendall asks for (steps 6 to 8 of spec mass-send §8.3, as far as no transaction is needed).
pub(crate) async fn to_filter(app: &App, account: &Account, body: SendAll) -> Result<Request, ApiError> {
    let (content, options) = existing_content(app, account, body.message).await?;
    let audience = audience::of_filter(body.filter)?;
    with_key(app, account, content, audience, options).await
}

/// What a body of send asks for.
pub(crate) async fn to_list(app: &App, account: &Account, body: Send) -> Result<Request, ApiError> {
    let (content, options) = existing_content(app, account, body.message).await?;
    let audience = audience::of_list(&account.open_id_key, body.touser)?;
    with_key(app, account, content, audience, options).await
}

/// The mass that a request asks for.
pub(crate) fn new_mass(
    app: &App,
    account: &Account,
    request: Request,
    ticket: CallTicket,
    origin: Origin,
) -> NewMass {
    NewMass {
        content: request.content,
        audience: request.audience,
        client_msg_id: request.client_msg_id,
        send_ignore_reprint: request.send_ignore_reprint,
        ticket,
        origin,
        per_minute: app.settings.speeds.of(account.speed),
    }
}

/// Everything that one transaction decides (steps 8 to the end).
pub(crate) async fn accept(app: &App, account: &Account, mass: NewMass) -> Result<Accepted, ApiError> {
    let _alone = app
        .inflight()
        .enter(account.id, repeat_key(&mass), inflight::PATIENCE)
        .await?;
    crash_point!("accept.before");
    let accepted = app.store.accept_mass(account.id, mass, app.now()).await??;
    crash_point!("accept.committed");
    metrics::counter!(measure::MASSES_ACCEPTED.name, "origin" => "call").increment(1);
    app.bus.publish(Hint::Work);
    let news = accepted.news.filter(|_| account.has(Behaviour::MsgDataId));
    Ok(Accepted::new(accepted.id.0, news.map(|news| news.0)))
}

/// What a message asks beside its content.
struct Options {
    client_msg_id: Field<String>,
    send_ignore_reprint: bool,
}

/// Step 6 of the order of checks: the content's form, then whether everything it names exists.
async fn existing_content(
    app: &App,
    account: &Account,
    message: Message,
) -> Result<(NewContent, Options), ApiError> {
    let options = Options {
        client_msg_id: message.clientmsgid.clone(),
        send_ignore_reprint: message.send_ignore_reprint.present().is_some_and(|Flag(on)| on),
    };
    let content = content::of_message(message)?;
    check_content(app, account, &content).await?;
    Ok((content, options))
}

async fn check_content(app: &App, account: &Account, content: &NewContent) -> Result<(), ApiError> {
    if app.store.content_exists(account.id, content, app.now()).await? {
        return Ok(());
    }
    Err(match content {
        NewContent::Card(_) => ErrCode::InvalidCardId.into(),
        _ => ErrCode::InvalidMediaId.into(),
    })
}

async fn with_key(
    app: &App,
    account: &Account,
    content: NewContent,
    audience: Audience,
    options: Options,
) -> Result<Request, ApiError> {
    let client_msg_id = if account.has(Behaviour::ClientMsgId) {
        options.client_msg_id.or_malformed(ErrCode::InvalidArgsSize)?
    } else {
        None
    };
    if client_msg_id
        .as_ref()
        .is_some_and(|key| key.len() > CLIENT_MSG_ID_MAX)
    {
        audience::check_receivers(app, account.id, &audience).await?;
        return Err(ErrCode::ClientMsgIdTooLong.into());
    }
    Ok(Request {
        content,
        audience,
        client_msg_id,
        send_ignore_reprint: options.send_ignore_reprint,
    })
}

/// `towxname` wins over `touser`; it is the follower's external id (spec mass-send §10).
async fn preview_receiver(
    app: &App,
    account: &Account,
    to_user: Field<String>,
    to_name: Field<String>,
) -> Result<Ordinal, ApiError> {
    if let Some(name) = to_name.or_malformed(ErrCode::InvalidUsername)? {
        app.store
            .count(account.id, CountedCall::NamePreview, app.now())
            .await??;
        let found = app
            .store
            .follower_by_external_id(account.id, &ExternalId(name))
            .await?;
        return found.ok_or(ErrCode::InvalidUsername.into());
    }
    let open_id = to_user.required(ErrCode::InvalidOpenId)?;
    account
        .open_id_key
        .open(&open_id)
        .ok_or(ErrCode::InvalidOpenId.into())
}

fn status(mass: &Mass) -> MsgStatus {
    match (mass.state, mass.recalled_at) {
        (MassState::Sending, _) => MsgStatus::Sending,
        (MassState::Succeeded, None) => MsgStatus::SendSuccess,
        (MassState::Failed | MassState::Refused(_), _) => MsgStatus::SendFail,
        (MassState::Succeeded, Some(_)) | (MassState::Deleted, _) => MsgStatus::Delete,
    }
}

/// Absent and 0 mean the whole message; what no article can have becomes an index that none has (40060).
fn article_index(field: Field<i64>) -> u8 {
    match field {
        Field::Absent => 0,
        Field::Present(index) => u8::try_from(index).unwrap_or(u8::MAX),
        Field::Malformed => u8::MAX,
    }
}

/// The newest mass with the article that a URL leads to, and the article's place; any host will do.
async fn mass_of_url(app: &App, account: &Account, url: Field<String>) -> Result<(MassId, u8), ApiError> {
    let url = url.required(ErrCode::InvalidMsgId)?;
    let link = article_link(&app.links, &url)
        .filter(|link| link.account == account.id)
        .ok_or(ErrCode::InvalidMsgId)?;
    let number = i64::try_from(link.number).map_err(|_| ErrCode::InvalidMsgId)?;
    match link.kind {
        LinkKind::Article => {
            let mass = app.store.mass_of_news(account.id, NewsId(number)).await?;
            Ok((mass.ok_or(ErrCode::InvalidMsgId)?, link.index))
        }
        LinkKind::Video => Ok((MassId(number), 0)),
        LinkKind::PreviewArticle
        | LinkKind::Image
        | LinkKind::Publication
        | LinkKind::Cover
        | LinkKind::MessageMedia
        | LinkKind::Media
        | LinkKind::Entry => Err(ErrCode::InvalidMsgId.into()),
    }
}

/// What an article's address points to, in its short or its long form (spec accounts §12).
fn article_link(links: &LinkKey, url: &str) -> Option<Link> {
    let url = Url::parse(url.trim()).ok()?;
    let mut segments = url.path_segments()?.filter(|segment| !segment.is_empty());
    let field = |name: &str| {
        let found = url.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    };
    match (segments.next(), segments.next(), segments.next()) {
        (Some("s"), Some(link), None) => links.open(link),
        (Some("s"), None, None) => links.open_long(field),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::AccountId;

    #[test]
    fn s105_an_article_index_that_none_has_is_passed_on_as_one_that_none_has() {
        assert_eq!(article_index(Field::Absent), 0);
        assert_eq!(article_index(Field::Present(0)), 0);
        assert_eq!(article_index(Field::Present(8)), 8);
        for field in [
            Field::Present(-1),
            Field::Present(256),
            Field::Present(i64::MAX),
            Field::Malformed,
        ] {
            assert_eq!(article_index(field), u8::MAX);
        }
    }

    #[test]
    fn an_article_is_found_by_both_forms_of_its_address_on_any_host() {
        let links = LinkKey::new(&[3; 16]);
        let link = Link {
            kind: LinkKind::Article,
            account: AccountId(1),
            number: 1_000_000_001,
            index: 1,
        };
        let (short, long) = (links.seal(link), links.long(link));
        for url in [
            format!("http://a/s/{short}"),
            format!("https://b.example:8443//s/{short}/?chksm=1#rd"),
            format!(" http://a/s/{short} "),
            format!("http://a/s?{long}&chksm=1#rd"),
            format!("https://b.example/s/?{long}"),
        ] {
            assert_eq!(article_link(&links, &url), Some(link), "{url}");
        }
        for url in [
            String::new(),
            format!("/s/{short}"),
            "http://a/s".into(),
            format!("http://a/s/{short}/x"),
            format!("http://a/t/{short}"),
            format!("http://a/t?{long}"),
            format!("mailto:s/{short}"),
        ] {
            assert_eq!(article_link(&links, &url), None, "{url}");
        }
    }
}
