//! What a call asks for, in a few words of Chinese and English.

use serde::Serialize;
use serde_json::Value;

use super::log::{Api, Call};

/// The same in two languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    /// In Chinese.
    #[serde(rename = "zh")]
    pub chinese: String,
    /// In English.
    #[serde(rename = "en")]
    pub english: String,
}

/// Paths of the compatible API and what they do; the longest beginning that fits counts.
const PATHS: [(&str, &str, &str); 46] = [
    ("/cgi-bin/token", "获取 access_token", "fetch an access token"),
    (
        "/cgi-bin/stable_token",
        "获取稳定版 access_token",
        "fetch a stable access token",
    ),
    (
        "/cgi-bin/media/uploadimg",
        "上传图文内图片",
        "upload a picture for articles",
    ),
    ("/cgi-bin/media/uploadnews", "上传图文素材", "upload news"),
    (
        "/cgi-bin/media/uploadvideo",
        "上传群发视频",
        "prepare a video for mass sends",
    ),
    ("/cgi-bin/media/upload", "上传临时素材", "upload temporary media"),
    ("/cgi-bin/media/get", "获取临时素材", "fetch temporary media"),
    ("/cgi-bin/message/mass/preview", "预览", "preview"),
    ("/cgi-bin/message/mass/sendall", "群发", "mass send"),
    ("/cgi-bin/message/mass/send", "群发", "mass send"),
    (
        "/cgi-bin/message/mass/get",
        "查询群发状态",
        "state of a mass send",
    ),
    ("/cgi-bin/message/mass/delete", "删除群发", "delete a mass send"),
    (
        "/cgi-bin/message/mass/speed/get",
        "查询群发速度",
        "read the speed",
    ),
    ("/cgi-bin/message/mass/speed/set", "设置群发速度", "set the speed"),
    ("/cgi-bin/tags/create", "创建标签", "create a tag"),
    ("/cgi-bin/tags/get", "获取标签", "list tags"),
    ("/cgi-bin/tags/update", "修改标签", "rename a tag"),
    ("/cgi-bin/tags/delete", "删除标签", "delete a tag"),
    ("/cgi-bin/tags/getidlist", "查询用户的标签", "tags of a follower"),
    (
        "/cgi-bin/tags/members/batchtagging",
        "批量打标签",
        "tag followers",
    ),
    (
        "/cgi-bin/tags/members/batchuntagging",
        "批量取消标签",
        "untag followers",
    ),
    (
        "/cgi-bin/tags/members/getblacklist",
        "查询黑名单",
        "list the blacklist",
    ),
    (
        "/cgi-bin/tags/members/batchblacklist",
        "拉黑用户",
        "blacklist followers",
    ),
    (
        "/cgi-bin/tags/members/batchunblacklist",
        "取消拉黑",
        "take followers off the blacklist",
    ),
    ("/cgi-bin/user/tag/get", "标签下的粉丝", "followers of a tag"),
    ("/cgi-bin/user/get", "获取粉丝列表", "list followers"),
    ("/cgi-bin/user/info", "获取粉丝信息", "read about followers"),
    ("/cgi-bin/user/info/updateremark", "修改备注", "change a remark"),
    (
        "/cgi-bin/material/add_material",
        "新增永久素材",
        "add permanent material",
    ),
    (
        "/cgi-bin/material/del_material",
        "删除永久素材",
        "delete permanent material",
    ),
    ("/cgi-bin/material/add_news", "新增永久图文", "add permanent news"),
    (
        "/cgi-bin/material/update_news",
        "修改永久图文",
        "change permanent news",
    ),
    ("/cgi-bin/material/", "查询永久素材", "read permanent materials"),
    ("/cgi-bin/draft/add", "新建草稿", "add a draft"),
    ("/cgi-bin/draft/update", "修改草稿", "change a draft"),
    ("/cgi-bin/draft/delete", "删除草稿", "delete a draft"),
    ("/cgi-bin/draft/", "查询草稿", "read drafts"),
    ("/cgi-bin/freepublish/submit", "发布草稿", "publish a draft"),
    ("/cgi-bin/freepublish/", "查询发布", "read publications"),
    ("/cgi-bin/comment/", "留言管理", "comments"),
    ("/cgi-bin/groups/", "分组（旧接口）", "groups (older calls)"),
    ("/cgi-bin/clear_quota", "清零调用次数", "clear call counts"),
    (
        "/cgi-bin/openapi/",
        "调用额度与 rid 查询",
        "call quotas and request ids",
    ),
    (
        "/cgi-bin/callback/check",
        "检测回调网络",
        "check the callback's network",
    ),
    ("/cgi-bin/get", "获取服务器 IP", "addresses of the server"),
    ("/datacube/", "数据统计", "statistics"),
];

/// What the call asks for.
pub fn of(call: &Call) -> Words {
    let found = PATHS
        .iter()
        .filter(|(path, ..)| call.path.starts_with(path))
        .max_by_key(|(path, ..)| path.len());
    let (chinese, english) = match (call.api, found) {
        (Api::Native, _) => ("原生接口", "native API"),
        (Api::Compatible, Some((_, chinese, english))) => (*chinese, *english),
        (Api::Compatible, None) => ("接口调用", "call"),
    };
    let body = call.body.text.as_deref().unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let (mut chinese, mut english) = (chinese.to_owned(), english.to_owned());
    if let Some(kind) = body.get("msgtype").and_then(Value::as_str) {
        chinese = format!("{chinese} · {}", kind_in_chinese(kind));
        english = format!("{english} · {kind}");
    }
    if let Some((in_chinese, in_english)) = audience(&body) {
        chinese = format!("{chinese} → {in_chinese}");
        english = format!("{english} → {in_english}");
    }
    Words { chinese, english }
}

fn kind_in_chinese(kind: &str) -> &str {
    match kind {
        "text" => "文本",
        "mpnews" => "图文",
        "image" => "图片",
        "voice" => "语音",
        "music" => "音乐",
        "mpvideo" | "video" => "视频",
        "wxcard" => "卡券",
        other => other,
    }
}

fn audience(body: &Value) -> Option<(String, String)> {
    match body.get("touser") {
        Some(Value::Array(list)) => {
            let count = list.len();
            return Some((format!("{count} 个 OpenID"), format!("{count} OpenIDs")));
        }
        Some(Value::String(one)) => return Some((one.clone(), one.clone())),
        _ => {}
    }
    if let Some(name) = body.get("towxname").and_then(Value::as_str) {
        return Some((name.to_owned(), name.to_owned()));
    }
    let filter = body.get("filter")?;
    let tag = filter.get("tag_id").or_else(|| filter.get("group_id"));
    let all = match filter.get("is_to_all") {
        Some(Value::Bool(all)) => *all,
        Some(Value::Number(number)) => number.as_i64() != Some(0),
        Some(Value::String(text)) => text == "true" || text == "1",
        _ => tag.is_none(),
    };
    match tag {
        Some(tag) if !all => {
            let tag = tag.to_string();
            let tag = tag.trim_matches('"');
            Some((format!("标签 {tag}"), format!("tag {tag}")))
        }
        _ => Some(("全部粉丝".to_owned(), "all followers".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{body::KeptBody, log::tests::call};

    fn check(path: &str, body: &str, chinese: &str, english: &str) {
        let mut call = call("a", 0, None);
        call.path = path.to_owned();
        call.body = KeptBody::of(None, body.as_bytes(), body.len() as u64);
        let words = of(&call);
        assert_eq!(
            (words.chinese.as_str(), words.english.as_str()),
            (chinese, english)
        );
    }

    #[test]
    fn a_call_is_told_in_a_few_words() {
        let send = "/cgi-bin/message/mass/sendall";
        check(
            send,
            r#"{"filter":{"is_to_all":true},"msgtype":"text"}"#,
            "群发 · 文本 → 全部粉丝",
            "mass send · text → all followers",
        );
        check(
            send,
            r#"{"filter":{"is_to_all":false,"tag_id":"100"},"msgtype":"mpnews"}"#,
            "群发 · 图文 → 标签 100",
            "mass send · mpnews → tag 100",
        );
        check(
            "/cgi-bin/message/mass/send",
            r#"{"touser":["a","b"],"msgtype":"image"}"#,
            "群发 · 图片 → 2 个 OpenID",
            "mass send · image → 2 OpenIDs",
        );
        check("/cgi-bin/user/info", "", "获取粉丝信息", "read about followers");
        check("/cgi-bin/nothing", "{", "接口调用", "call");
    }
}
