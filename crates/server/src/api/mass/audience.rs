//! From `filter` and `touser` to an audience. An audience of nobody is never everybody (clients.md §4).

use std::collections::{BTreeSet, HashSet};

use domain::{
    audience::{Audience, FollowerList, LIST_MAX, LIST_MIN},
    id::{AccountId, TagId},
    openid::OpenIdKey,
    tag,
};
use wire::{errcode::ErrCode, field::Field, mass::Filter};

use crate::{api::error::ApiError, app::App};

/// The receivers that a `filter` asks for.
pub fn of_filter(filter: Field<Filter>) -> Result<Audience, ErrCode> {
    let filter = filter.required(ErrCode::InvalidArgsSize)?;
    let to_all = filter
        .is_to_all
        .or_malformed(ErrCode::InvalidArgsSize)?
        .unwrap_or(false);
    if to_all {
        return Ok(Audience::All);
    }
    filter
        .tag()
        .required(ErrCode::InvalidGroupId)
        .map(|tag| Audience::Tag(TagId(tag)))
}

/// The receivers that `touser` names. The size is that of the list as sent; duplicates are merged then.
pub fn of_list(key: &OpenIdKey, to_user: Field<Vec<String>>) -> Result<Audience, ErrCode> {
    let open_ids = to_user.required_or(ErrCode::AtLeastTwoOpenIds, ErrCode::InvalidOpenIdList)?;
    if open_ids.len() < LIST_MIN {
        return Err(ErrCode::AtLeastTwoOpenIds);
    }
    if open_ids.len() > LIST_MAX {
        return Err(ErrCode::InvalidOpenIdListSize);
    }
    let mut ordinals = BTreeSet::new();
    let mut strangers = HashSet::new();
    for open_id in &open_ids {
        match key.open(open_id) {
            Some(ordinal) => ordinals.insert(ordinal),
            None => strangers.insert(open_id.as_str()),
        };
    }
    let strangers = u32::try_from(strangers.len()).unwrap_or(u32::MAX);
    Ok(Audience::OpenIds(FollowerList {
        ordinals: ordinals.into_iter().collect(),
        strangers,
    }))
}

/// Refuses an audience that `accept_mass` would refuse: asked only when a later check has failed already, so
/// that the first failing check decides without another look for every good call.
pub async fn check_receivers(app: &App, account: AccountId, audience: &Audience) -> Result<(), ApiError> {
    match audience {
        Audience::All => Ok(()),
        Audience::Tag(id) => {
            let preset = [tag::UNTAGGED, tag::BLACKLIST, tag::STARRED].contains(id);
            let known = preset || app.store.tags(account).await?.iter().any(|tag| tag.id == *id);
            if known {
                Ok(())
            } else {
                Err(ErrCode::InvalidGroupId.into())
            }
        }
        Audience::OpenIds(list) => {
            let known = app
                .store
                .followers(account, &list.ordinals)
                .await?
                .iter()
                .any(Option::is_some);
            if known {
                Ok(())
            } else {
                Err(ErrCode::InvalidOpenId.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::id::Ordinal;
    use wire::{
        body,
        mass::{Send, SendAll},
    };

    use super::*;

    fn check(filter: &str, expected: Result<Audience, ErrCode>) {
        let request: SendAll = body::read(format!("{{\"filter\":{filter}}}").as_bytes()).expect("an object");
        assert_eq!(of_filter(request.filter), expected, "{filter}");
    }

    #[test]
    fn every_client_spells_its_audience_and_nobody_is_never_everybody() {
        let tag = || Ok(Audience::Tag(TagId(2)));
        check(r#"{"is_to_all":true}"#, Ok(Audience::All));
        check(r#"{"group_id":null,"is_to_all":true}"#, Ok(Audience::All));
        check(r#"{"tag_id":null,"is_to_all":true}"#, Ok(Audience::All));
        check(r#"{"is_to_all":false,"tag_id":2}"#, tag());
        check(r#"{"tag_id":2}"#, tag());
        check(r#"{"tag_id":"2","is_to_all":false}"#, tag());
        check(r#"{"group_id":2,"is_to_all":false}"#, tag());
        check(r#"{"group_id":2}"#, tag());
        check(r#"{"group_id":"2","is_to_all":false}"#, tag());
        check(r#"{"is_to_all":false}"#, Err(ErrCode::InvalidGroupId));
        check("{}", Err(ErrCode::InvalidGroupId));
        check(
            r#"{"group_id":null,"is_to_all":false}"#,
            Err(ErrCode::InvalidGroupId),
        );
        check(r#"{"is_to_all":true,"tag_id":99999}"#, Ok(Audience::All));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        check("null", Err(ErrCode::InvalidArgsSize));
        check("[]", Err(ErrCode::InvalidArgsSize));
        check(r#""all""#, Err(ErrCode::InvalidArgsSize));
        check(r#"{"is_to_all":"yes"}"#, Err(ErrCode::InvalidArgsSize));
        check(r#"{"is_to_all":"true"}"#, Ok(Audience::All));
        check(r#"{"tag_id":"x"}"#, Err(ErrCode::InvalidGroupId));
        check(r#"{"tag_id":1.5}"#, Err(ErrCode::InvalidGroupId));
        assert_eq!(of_filter(Field::Absent), Err(ErrCode::InvalidArgsSize));
    }

    #[test]
    fn a_list_is_measured_as_sent_and_merged_afterwards() {
        let key = OpenIdKey::new(&[7; 16]);
        let list = |json: String| {
            let request: Send = body::read(format!("{{\"touser\":{json}}}").as_bytes()).expect("an object");
            of_list(&key, request.touser)
        };
        let one = key.seal(Ordinal(1)).0;
        let merged = FollowerList {
            ordinals: vec![Ordinal(1)],
            strangers: 1,
        };
        assert_eq!(
            list(format!(r#"["{one}","{one}","x","x"]"#)),
            Ok(Audience::OpenIds(merged))
        );
        assert_eq!(list("[]".into()), Err(ErrCode::AtLeastTwoOpenIds));
        assert_eq!(list(format!(r#"["{one}"]"#)), Err(ErrCode::AtLeastTwoOpenIds));
        assert_eq!(list("null".into()), Err(ErrCode::AtLeastTwoOpenIds));
        assert_eq!(list(r#""all""#.into()), Err(ErrCode::InvalidOpenIdList));
        assert_eq!(list("[{},{}]".into()), Err(ErrCode::InvalidOpenIdList));
        let many = |n: usize| format!("[{}]", vec![format!("\"{one}\""); n].join(","));
        assert!(list(many(LIST_MAX)).is_ok());
        assert_eq!(list(many(LIST_MAX + 1)), Err(ErrCode::InvalidOpenIdListSize));
    }
}
