//! The plain success: `{"errcode":0,"errmsg":"ok"}`.

use serde::{Deserialize, Serialize};

/// The answer of calls that carry no data.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Done {
    /// Always 0.
    pub errcode: i64,
    /// Always `ok`.
    pub errmsg: String,
}

impl Default for Done {
    fn default() -> Self {
        Self {
            errcode: 0,
            errmsg: "ok".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_without_data_is_ok() {
        insta::assert_snapshot!(
            serde_json::to_string(&Done::default()).expect("JSON"),
            @r#"{"errcode":0,"errmsg":"ok"}"#
        );
    }
}
