//! Pages that say why there is nothing to see.

use axum::{
    Json,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::account::Account;

use crate::{
    app::App,
    pages::{
        furniture::{AccountCard, Furniture},
        page::{self, NoticePage},
    },
};

/// Why there is nothing to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// In Chinese, whatever the reader's language is (reading 19).
    pub chinese: &'static str,
    /// What a reader of Chinese may do.
    pub advice: &'static str,
    /// The same in English.
    pub english: &'static str,
    /// What a reader of English may do.
    pub english_advice: &'static str,
    /// For programs. Browsers get 200 instead of 410: what was there and is gone is no fault of the link (spec
    /// accounts §12).
    status: StatusCode,
    /// For programs.
    code: &'static str,
}

/// Its publisher deleted it.
pub const DELETED: Notice = Notice {
    chinese: "该内容已被发布者删除",
    advice: "发布者删除了这篇内容，链接不会再打开它。",
    english: "Deleted by its publisher",
    english_advice: "The link does not open it any more.",
    status: StatusCode::GONE,
    code: "deleted",
};

/// Its publisher took the whole send back.
pub const RECALLED: Notice = Notice {
    chinese: "该内容已被发布者删除",
    advice: "发布者撤回了这次群发，收件箱和历史消息里也不再有它。",
    english: "Recalled by its publisher",
    english_advice: "It is gone from inboxes and from the history too.",
    status: StatusCode::GONE,
    code: "deleted",
};

/// It may be there soon.
pub const WAITING: Notice = Notice {
    chinese: "内容正在审核",
    advice: "通过审核并发出后，这个链接就能打开。",
    english: "Under review",
    english_advice: "The link opens once it has been sent.",
    status: StatusCode::NOT_FOUND,
    code: "under_review",
};

/// A preview after its twelve hours.
pub const EXPIRED: Notice = Notice {
    chinese: "预览已失效",
    advice: "预览页面只保留十二小时，请发布者重新预览。",
    english: "This preview has expired",
    english_advice: "Previews live for twelve hours; ask its publisher for a new one.",
    status: StatusCode::NOT_FOUND,
    code: "expired",
};

/// There is no such thing, or no more.
pub const MISSING: Notice = Notice {
    chinese: "页面不存在或已失效",
    advice: "请检查链接是否完整。",
    english: "There is no such page",
    english_advice: "Is the link complete?",
    status: StatusCode::NOT_FOUND,
    code: "not_found",
};

/// The binary has no reader in it.
pub const READER_NOT_BUILT: Notice = Notice {
    chinese: "此程序构建时未包含阅读器",
    advice: "请在源代码目录运行 make web，再重新构建。",
    english: "This binary was built without the reader",
    english_advice: "Run `make web` in the source folder and build again.",
    status: StatusCode::NOT_FOUND,
    code: "not_built",
};

/// A sandbox was asked for the reader of somebody whom it does not have.
pub const NO_SUCH_READER: Notice = Notice {
    chinese: "沙盒里没有这位粉丝",
    advice: "粉丝的编号从零数起，例如 user-000000042。",
    english: "The sandbox has no such follower",
    english_advice: "user-000000042 is one, for instance.",
    status: StatusCode::NOT_FOUND,
    code: "not_found",
};

/// The notice as a page for browsers, and as JSON for programs that ask for it. `account` is whose page it was.
pub fn answer(app: &App, headers: &HeaderMap, notice: Notice, account: Option<&Account>) -> Response {
    if wants_json(headers) {
        let message = format!("{}. {}", notice.english, notice.english_advice);
        let error = serde_json::json!({"error": {"code": notice.code, "message": message}});
        return (notice.status, Json(error)).into_response();
    }
    let page = NoticePage {
        furniture: Furniture::of(headers),
        notice,
        account: account.map(AccountCard::of),
    };
    if notice.status == StatusCode::GONE {
        return page::render(app, headers, &page);
    }
    let mut response = page::render(app, &HeaderMap::new(), &page);
    if response.status() == StatusCode::OK {
        *response.status_mut() = notice.status;
    }
    response
}

/// There is no such thing, or no more.
pub fn missing(app: &App, headers: &HeaderMap) -> Response {
    answer(app, headers, MISSING, None)
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/html")
}
