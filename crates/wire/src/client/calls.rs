//! The calls of an account, in the order of the API's pages.

use serde_json::json;

use super::{Account, Answer, File, accepted, read_object};
use crate::article::{Article, UploadNews, UploadVideo};
use crate::done::Done;
use crate::follower::{self, BatchBlacklist, BatchGet, InfoQuery, UpdateRemark};
use crate::mass::{self, Accepted, PreviewAnswer, SpeedAnswer, SpeedSet};
use crate::media::{UploadAnswer, UploadImgAnswer};
use crate::tag::{self, BatchTagging, GetIdList, Members};

/// What `media/get` gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media {
    /// The bytes, with their content type.
    Bytes(Vec<u8>, String),
    /// Where the video can be fetched.
    VideoUrl(String),
}

/// Media and articles.
impl Account {
    /// `POST /cgi-bin/media/upload` of a file of this kind: `image`, `voice`, `video` or `thumb`.
    pub async fn upload_image(&self, kind: &str, bytes: Vec<u8>, filename: &str) -> Answer<UploadAnswer> {
        let file = File {
            bytes,
            name: filename.to_owned(),
        };
        self.upload("/cgi-bin/media/upload", &[("type", kind)], file)
            .await
    }

    /// `POST /cgi-bin/media/uploadimg`: a picture inside an article.
    pub async fn uploadimg(&self, bytes: Vec<u8>, filename: &str) -> Answer<UploadImgAnswer> {
        let file = File {
            bytes,
            name: filename.to_owned(),
        };
        self.upload("/cgi-bin/media/uploadimg", &[], file).await
    }

    /// `GET /cgi-bin/media/get`.
    pub async fn media_get(&self, media_id: &str) -> Answer<Media> {
        let response = self
            .request_get("/cgi-bin/media/get", &[("media_id", media_id)])
            .send()
            .await?;
        let kind = response
            .headers()
            .get("content-type")
            .and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_owned();
        if !kind.starts_with("application/json") && !kind.starts_with("text/plain") {
            return Ok(Media::Bytes(response.bytes().await?.to_vec(), kind));
        }
        let value = accepted(read_object(response).await?)?;
        Ok(Media::VideoUrl(
            value["video_url"].as_str().unwrap_or_default().to_owned(),
        ))
    }

    /// `POST /cgi-bin/media/uploadnews`.
    pub async fn uploadnews(&self, articles: Vec<Article>) -> Answer<UploadAnswer> {
        self.post("/cgi-bin/media/uploadnews", &UploadNews::new(articles))
            .await
    }

    /// `POST /cgi-bin/media/uploadvideo`.
    pub async fn uploadvideo(&self, request: &UploadVideo) -> Answer<UploadAnswer> {
        self.post("/cgi-bin/media/uploadvideo", request).await
    }
}

/// Mass sends.
impl Account {
    /// `POST /cgi-bin/message/mass/sendall`.
    pub async fn send_all(&self, request: &mass::SendAll) -> Answer<Accepted> {
        self.post("/cgi-bin/message/mass/sendall", request).await
    }

    /// `POST /cgi-bin/message/mass/send`.
    pub async fn send(&self, request: &mass::Send) -> Answer<Accepted> {
        self.post("/cgi-bin/message/mass/send", request).await
    }

    /// `POST /cgi-bin/message/mass/preview`.
    pub async fn preview(&self, request: &mass::Preview) -> Answer<PreviewAnswer> {
        self.post("/cgi-bin/message/mass/preview", request).await
    }

    /// `POST /cgi-bin/message/mass/get`.
    pub async fn mass_get(&self, msg_id: i64) -> Answer<mass::GetAnswer> {
        self.post(
            "/cgi-bin/message/mass/get",
            &mass::Get {
                msg_id: msg_id.into(),
            },
        )
        .await
    }

    /// `POST /cgi-bin/message/mass/delete`.
    pub async fn mass_delete(&self, request: &mass::Delete) -> Answer<Done> {
        self.post("/cgi-bin/message/mass/delete", request).await
    }

    /// `POST /cgi-bin/message/mass/speed/get`.
    pub async fn speed_get(&self) -> Answer<SpeedAnswer> {
        self.post("/cgi-bin/message/mass/speed/get", &json!({})).await
    }

    /// `POST /cgi-bin/message/mass/speed/set`.
    pub async fn speed_set(&self, speed: i64) -> Answer<Done> {
        self.post(
            "/cgi-bin/message/mass/speed/set",
            &SpeedSet { speed: speed.into() },
        )
        .await
    }
}

/// Tags.
impl Account {
    /// `POST /cgi-bin/tags/create`.
    pub async fn tags_create(&self, name: &str) -> Answer<tag::CreateAnswer> {
        self.post("/cgi-bin/tags/create", &tag::Change::create(name))
            .await
    }

    /// `GET /cgi-bin/tags/get`.
    pub async fn tags_get(&self) -> Answer<tag::GetAnswer> {
        self.get("/cgi-bin/tags/get", &[]).await
    }

    /// `POST /cgi-bin/tags/update`.
    pub async fn tags_update(&self, id: i64, name: &str) -> Answer<Done> {
        self.post("/cgi-bin/tags/update", &tag::Change::update(id, name))
            .await
    }

    /// `POST /cgi-bin/tags/delete`.
    pub async fn tags_delete(&self, id: i64) -> Answer<Done> {
        self.post("/cgi-bin/tags/delete", &tag::Change::delete(id)).await
    }

    /// `POST /cgi-bin/user/tag/get`: the followers of a tag, after `next_openid`.
    pub async fn tags_followers(&self, tag: i64, next_openid: &str) -> Answer<tag::MembersAnswer> {
        let request = Members {
            tagid: tag.into(),
            next_openid: next_openid.into(),
            ..Members::default()
        };
        self.post("/cgi-bin/user/tag/get", &request).await
    }

    /// `POST /cgi-bin/tags/members/batchtagging`.
    pub async fn tags_batchtagging(&self, tag: i64, openids: Vec<String>) -> Answer<Done> {
        self.post(
            "/cgi-bin/tags/members/batchtagging",
            &BatchTagging::new(tag, openids),
        )
        .await
    }

    /// `POST /cgi-bin/tags/members/batchuntagging`.
    pub async fn tags_batchuntagging(&self, tag: i64, openids: Vec<String>) -> Answer<Done> {
        self.post(
            "/cgi-bin/tags/members/batchuntagging",
            &BatchTagging::new(tag, openids),
        )
        .await
    }

    /// `POST /cgi-bin/tags/getidlist`.
    pub async fn tags_getidlist(&self, openid: &str) -> Answer<tag::IdListAnswer> {
        self.post(
            "/cgi-bin/tags/getidlist",
            &GetIdList {
                openid: openid.into(),
            },
        )
        .await
    }
}

/// Followers.
impl Account {
    /// `GET /cgi-bin/user/get`: the followers after `next_openid`.
    pub async fn user_get(&self, next_openid: &str) -> Answer<follower::ListAnswer> {
        self.get("/cgi-bin/user/get", &[("next_openid", next_openid)])
            .await
    }

    /// `GET /cgi-bin/user/info`.
    pub async fn user_info(&self, openid: &str) -> Answer<follower::Info> {
        self.get("/cgi-bin/user/info", &[("openid", openid), ("lang", "zh_CN")])
            .await
    }

    /// `POST /cgi-bin/user/info/batchget`.
    pub async fn user_info_batchget(&self, openids: &[String]) -> Answer<follower::BatchGetAnswer> {
        let query = |openid: &String| InfoQuery {
            openid: openid.clone().into(),
            ..InfoQuery::default()
        };
        let request = BatchGet {
            user_list: openids.iter().map(query).collect::<Vec<_>>().into(),
        };
        self.post("/cgi-bin/user/info/batchget", &request).await
    }

    /// `POST /cgi-bin/user/info/updateremark`.
    pub async fn user_updateremark(&self, openid: &str, remark: &str) -> Answer<Done> {
        let request = UpdateRemark {
            openid: openid.into(),
            remark: remark.into(),
        };
        self.post("/cgi-bin/user/info/updateremark", &request).await
    }

    /// `POST /cgi-bin/tags/members/getblacklist`: the blacklist after `begin_openid`.
    pub async fn blacklist_get(&self, begin_openid: &str) -> Answer<follower::ListAnswer> {
        let request = follower::GetBlacklist {
            begin_openid: begin_openid.into(),
        };
        self.post("/cgi-bin/tags/members/getblacklist", &request).await
    }

    /// `POST /cgi-bin/tags/members/batchblacklist`.
    pub async fn blacklist_add(&self, openids: Vec<String>) -> Answer<Done> {
        self.post(
            "/cgi-bin/tags/members/batchblacklist",
            &BatchBlacklist::new(openids),
        )
        .await
    }

    /// `POST /cgi-bin/tags/members/batchunblacklist`.
    pub async fn blacklist_remove(&self, openids: Vec<String>) -> Answer<Done> {
        self.post(
            "/cgi-bin/tags/members/batchunblacklist",
            &BatchBlacklist::new(openids),
        )
        .await
    }
}
