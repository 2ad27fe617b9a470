//! What this server does in words: every call, the choices where the sources leave room, what changed over the
//! years, every errcode. `qunfa compat` prints it, and `docs/compat.md` is that.

use std::fmt::Write;

use domain::{call::CountedCall, compat::CHANGES};
use wire::errcode::ErrCode;

use super::endpoint::{ENDPOINTS, Kind, Limit};

/// The choices, by hand.
const CHOICES: &str = include_str!("choices.md");

/// Codes of the table that no call answers, and why.
pub const NEVER_ANSWERED: &[(ErrCode, &str)] = &[
    (
        ErrCode::InvalidMediaSize,
        "sizes have codes of their own: 40009 to 40012, 44001",
    ),
    (
        ErrCode::InvalidAccessToken,
        "a token of whatever form that is not known is 40001",
    ),
    (ErrCode::InvalidCharset, "`\\u` escapes are accepted"),
    (ErrCode::InvalidTimelineType, "an unknown group is 40152"),
    (
        ErrCode::UnsupportedFileType,
        "a format that is not taken is 40005",
    ),
    (
        ErrCode::OtherHomePageUrl,
        "links to other accounts are not looked for",
    ),
    (ErrCode::IpNotInWhitelist, "there are no IP lists"),
    (ErrCode::CannotDeleteRumorArticle, "there is no such case"),
    (ErrCode::AppSecretFrozen, "secrets are not frozen"),
    (ErrCode::MassSendTooFast, "the minute limit answers 45011"),
    (ErrCode::RequireHttps, "http is served where the operator lets it"),
    (ErrCode::EmptyListSize, "empty lists are 40032"),
    (
        ErrCode::MediaSizeOutOfLimit,
        "sizes have codes of their own: 40009 to 40012",
    ),
    (ErrCode::PicUrlSizeOutOfLimit, "no call takes a picture by URL"),
    (
        ErrCode::MonthlyQuotaReached,
        "the monthly quota of mass sends is 45028",
    ),
    (ErrCode::MassSendInvalidType, "a wrong message type is 40008"),
    (ErrCode::MediaInUseByMenu, "there are no menus"),
    (ErrCode::HasAdAgreement, "there are no advertising contracts"),
    (
        ErrCode::InvalidMiniProgramAppId,
        "mini-program cards keep their markup",
    ),
    (ErrCode::ApiUnsupported, "retired calls stay alive"),
    (ErrCode::ApiUnsupportedSeeDocs, "retired calls stay alive"),
    (ErrCode::CardPublishingUnsupported, "cards are sent"),
    (ErrCode::VideoNotFromUploadCall, "a raw video id is taken too"),
    (ErrCode::InvalidType, "a wrong message type is 40008"),
    (ErrCode::InvalidContent, "drafts answer as uploadnews does"),
    (
        ErrCode::OpenIdTooManyRequests,
        "changes of one follower wait for each other",
    ),
    (ErrCode::SomeOpenIdsFailed, "a batch is done whole or not at all"),
    (ErrCode::MenuNotFound, "there are no menus"),
    (ErrCode::UserNotFound, "an unknown follower is 40003"),
    (ErrCode::MassSendProtocolNotAgreed, "there is nothing to agree to"),
    (ErrCode::ApiForbidden, "accounts are not banned"),
    (ErrCode::MaterialInUse, "there are no menus and automatic replies"),
    (
        ErrCode::MessageTypeForbidden,
        "every type may be sent by every verified account",
    ),
    (
        ErrCode::VideoNotFromNewCall,
        "every video uploaded here may be sent",
    ),
    (
        ErrCode::VideoReviewAbnormal,
        "videos are reviewed with their mass send",
    ),
    (
        ErrCode::DraftSavedAutomatically,
        "there is no console that saves drafts by itself",
    ),
    (
        ErrCode::ApiVideoNotAllowed,
        "every video uploaded here may be sent",
    ),
    (
        ErrCode::OpenIdOfAnotherAccount,
        "a foreign OpenID is unknown here, 40003, so that nothing of other accounts is told",
    ),
    (ErrCode::UserUnauthorized, "accounts are not frozen"),
    (ErrCode::UserLimited, "accounts are not frozen"),
    (ErrCode::TokenForbidden, "accounts are not frozen"),
    (ErrCode::AccountFrozen, "accounts are not frozen"),
    (ErrCode::GoodsForbidden, "there are no goods"),
    (ErrCode::InvalidProductInfo, "there are no goods"),
    (ErrCode::GoodsNotOpened, "there are no goods"),
    (ErrCode::DraftCheckFailed, "publishing ends at once"),
    (ErrCode::DraftNeedsConsole, "publishing ends at once"),
    (ErrCode::DraftNotSaved, "publishing ends at once"),
    (ErrCode::RidNoPermission, "a foreign rid is unknown here, 76001"),
    (ErrCode::ArticleLimited, "articles are not limited"),
    (ErrCode::IpWaitsForAdministrator, "there are no IP lists"),
    (ErrCode::NeedsAdministrator, "there are no IP lists"),
    (ErrCode::IpRefusedForDay, "there are no IP lists"),
    (ErrCode::IpRefusedForHour, "there are no IP lists"),
    (
        ErrCode::MassSendNeedsApproval,
        "the first send that waits is accepted with 0, the next one answers 89504",
    ),
    (ErrCode::SystemBusyEarly, "a full server answers -1"),
    (ErrCode::SystemBusyMiddle, "a full server answers -1"),
    (ErrCode::SystemBusy, "a full server answers -1"),
];

/// Numbers whose text was seen in captured traffic (spec errors §2).
const OBSERVED: &[i64] = &[
    40001, 40003, 40004, 40007, 40008, 40013, 40059, 40066, 40125, 40130, 40164, 41001, 41040, 42001, 42010,
    45002, 45003, 45009, 45011, 45028, 45065, 45066, 45067, 45103, 45106, 47001, 48001, 48008, 268488001,
];

/// Numbers whose English text is ours, because the tables only have a Chinese description (spec errors §2).
const OUR_TEXT: &[i64] = &[
    40227, 40243, 45113, 48013, 48014, 48021, 48022, 50004, 50007, 89501, 89503, 89504, 89505, 89506, 89507,
];

/// The whole page as Markdown.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Compatibility: what is there, and where the sources leave room\n\n\
         <!-- Made by `qunfa compat > docs/compat.md`; a test compares. -->\n\n\
         What the public documents of the mass-send interface say is followed; what they leave open, or say\n\
         differently in different years, is decided as follows. *Documented*: printed in the platform's pages.\n\
         *Observed*: seen in captured traffic. *Ours*: neither, our choice. Every statement of the document has a\n\
         test of its own: [acceptance.md](acceptance.md).\n\n",
    );
    endpoints(&mut page);
    page.push_str(CHOICES.trim_end());
    page.push_str("\n\n");
    years(&mut page);
    errcodes(&mut page);
    page
}

fn endpoints(page: &mut String) {
    let _ = writeln!(
        page,
        "## Calls\n\nAll {} of them are documented by the platform and served here under the same path. Everything else\n\
         under `/cgi-bin/`, `/datacube/` and `/card/` answers 40066.\n\n| call | method | a day | beside the platform's page |\n|---|---|---|---|",
        ENDPOINTS.len()
    );
    for endpoint in ENDPOINTS {
        let method = match endpoint.kind {
            Kind::Read => "GET, POST",
            Kind::Write => "POST",
        };
        let limit = match endpoint.limit {
            Limit::Sends => "Q1, Q2".to_owned(),
            Limit::Counted(CountedCall::NamePreview) => "Q7".to_owned(),
            Limit::Counted(CountedCall::NewsUpload | CountedCall::Delete) => "Q8".to_owned(),
            Limit::Documented(limit) => format!("{limit}, not counted"),
            Limit::None => String::new(),
        };
        let _ = writeln!(
            page,
            "| `{}` | {method} | {limit} | {} |",
            endpoint.path, endpoint.note
        );
    }
    page.push('\n');
}

fn years(page: &mut String) {
    page.push_str(
        "## What changed over the years\n\n\
         An account has today's behaviour, the superset, unless it asks for that of a day:\n\
         `PATCH /v1/accounts/{appid} {\"compat_date\":\"2016-09-26\"}`. Before the day in the table the line does not\n\
         hold for it.\n\n| since | what | source |\n|---|---|---|\n",
    );
    for change in CHANGES {
        let (year, month, day) = change.since;
        let _ = writeln!(
            page,
            "| {year:04}-{month:02}-{day:02} | {} | {} |",
            change.meaning, change.source
        );
    }
    page.push('\n');
}

fn errcodes(page: &mut String) {
    page.push_str(
        "## Errcodes\n\n\
         The whole table. A code without an entry in the last column is answered as it says.\n\n\
         | code | errmsg | meaning | text | not answered, because |\n|---|---|---|---|---|\n",
    );
    for code in ErrCode::all() {
        let source = match code.code() {
            number if OBSERVED.contains(&number) => "observed",
            number if OUR_TEXT.contains(&number) => "ours",
            _ => "documented",
        };
        let never = NEVER_ANSWERED
            .iter()
            .find(|(known, _)| known == code)
            .map_or("", |(_, why)| why);
        let _ = writeln!(
            page,
            "| {} | `{}` | {} | {source} | {never} |",
            code.code(),
            code.message(),
            code.meaning()
        );
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn sources(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path, text);
            } else if !path.ends_with("api/compat.rs") {
                text.push_str(&fs::read_to_string(&path).expect("a text"));
            }
        }
    }

    #[test]
    fn a_code_is_answered_somewhere_or_has_a_reason_why_not() {
        let mut text = String::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut text);
        for code in ErrCode::all() {
            let name = format!("ErrCode::{}", code.name());
            let named = text
                .match_indices(&name)
                .any(|(at, _)| !text[at + name.len()..].starts_with(|next: char| next.is_alphanumeric()));
            let never = NEVER_ANSWERED.iter().any(|(known, _)| known == code);
            assert_ne!(named, never, "{name}");
        }
    }

    #[test]
    fn numbers_of_the_lists_are_in_the_table() {
        for number in OBSERVED.iter().chain(OUR_TEXT) {
            assert!(ErrCode::from_code(*number).is_some(), "{number}");
        }
    }
}
