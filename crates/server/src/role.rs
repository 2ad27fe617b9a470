//! What a node of a cluster does: which paths it serves, and whether it does the background work.

use axum::{
    extract::{OriginalUri, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::app::App;

/// One of the things that a node can do; alone it does all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Answers the accounts' calls: the compatible and the native API.
    Api,
    /// Does the background work: releases masses, sends events, clears up.
    Worker,
    /// Answers followers: inboxes, pages, pictures.
    Live,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 3] = [Role::Api, Role::Worker, Role::Live];

    /// Its name in the settings.
    pub fn word(self) -> &'static str {
        match self {
            Role::Api => "api",
            Role::Worker => "worker",
            Role::Live => "live",
        }
    }

    /// Whose path this is; `None` for what every node answers, and for paths that nobody knows.
    pub fn of_path(path: &str) -> Option<Role> {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        match first {
            "cgi-bin" | "datacube" | "card" | "v1" => Some(Role::Api),
            "" | "inbox" | "openapi.json" | "s" | "mp" | "media" | "reader" | "embed.js" => Some(Role::Live),
            picture if picture.starts_with("mmbiz_") => Some(Role::Live),
            _ => None,
        }
    }
}

/// The answer for a path that this node does not serve.
pub async fn not_found(State(app): State<App>, OriginalUri(uri): OriginalUri) -> Response {
    let roles = &app.settings.roles;
    let text = match Role::of_path(uri.path()).filter(|role| !roles.contains(role)) {
        None => "404 not found".to_owned(),
        Some(role) => {
            let has: Vec<&str> = roles.iter().map(|role| role.word()).collect();
            format!(
                "404 not found: this path is served by nodes with the role {}, and this node has {}",
                role.word(),
                has.join(", ")
            )
        }
    };
    (StatusCode::NOT_FOUND, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_belongs_to_one_role_or_to_all_nodes() {
        for (path, role) in [
            ("/cgi-bin/token", Some(Role::Api)),
            ("/datacube/getarticlesummary", Some(Role::Api)),
            ("/card/create", Some(Role::Api)),
            ("/v1/accounts", Some(Role::Api)),
            ("/", Some(Role::Live)),
            ("/s/abc", Some(Role::Live)),
            ("/mp/history/wx1", Some(Role::Live)),
            ("/media/abc", Some(Role::Live)),
            ("/mmbiz_png/abc/0", Some(Role::Live)),
            ("/inbox/entries", Some(Role::Live)),
            ("/reader", Some(Role::Live)),
            ("/reader/sw.js", Some(Role::Live)),
            ("/embed.js", Some(Role::Live)),
            ("/openapi.json", Some(Role::Live)),
            ("/healthz", None),
            ("/readyz", None),
            ("/metrics", None),
            ("/v10", None),
        ] {
            assert_eq!(Role::of_path(path), role, "{path}");
        }
    }
}
