//! The events that are sent to an account's server, written and read.
//!
//! Receivers may parse by order, so the elements always come in the order of the samples, without white space
//! between them.

use super::xml::{Element, Writer, XmlError};

/// Who a finished mass send is reported by.
pub const MASS_SENDER: &str = "mphelper";

/// `MASSSENDJOBFINISH`: a mass send has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MassFinished {
    /// The account's original id.
    pub to: String,
    /// Unix seconds; receivers take events of the same second for one.
    pub create_time: i64,
    /// The mass send.
    pub msg_id: i64,
    /// `send success`, `send fail` or `err(…)`.
    pub status: String,
    /// Who was meant.
    pub total: i64,
    /// Who was left after filtering.
    pub filtered: i64,
    /// Who got it.
    pub sent: i64,
    /// Who did not.
    pub error: i64,
    /// What the originality check found; may be empty.
    pub copyright: Vec<CopyrightItem>,
    /// What it came to: 0 nothing found, 1 no reprint, 2 a reprint that may be sent, 3 one that may not.
    pub check_state: i64,
    /// The links of the articles, in order; empty if it was no news or was not sent.
    pub articles: Vec<String>,
}

/// What the originality check found about one article.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyrightItem {
    /// The article, counted from 1.
    pub article_idx: i64,
    /// 0 not declared, 1 declared original, 2 declared a reprint.
    pub user_declare_state: i64,
    /// How far the check is.
    pub audit_state: i64,
    /// The link of the similar original.
    pub original_article_url: String,
    /// 1 original, 2 older, 3 news agency, 4 blocked.
    pub original_article_type: i64,
    /// Whether it may be reprinted.
    pub can_reprint: bool,
    /// Whether its content is replaced.
    pub need_replace_content: bool,
    /// Whether its source is shown.
    pub need_show_reprint_source: bool,
}

/// Which of the parts that were added after 2016 stand at the end of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appendix {
    /// `CopyrightCheckResult`.
    pub copyright: bool,
    /// `ArticleUrlResult`.
    pub articles: bool,
}

impl Appendix {
    /// Today's form: both, empty when there is nothing to say (spec events §4.2).
    pub const ALL: Self = Self {
        copyright: true,
        articles: true,
    };
}

impl MassFinished {
    /// The event as XML, in today's form.
    pub fn to_xml(&self) -> String {
        self.to_xml_with(Appendix::ALL)
    }

    /// The event as XML with these parts at its end.
    pub fn to_xml_with(&self, appendix: Appendix) -> String {
        let mut event = head(&self.to, MASS_SENDER, self.create_time, "MASSSENDJOBFINISH")
            .number("MsgID", self.msg_id)
            .text("Status", &self.status)
            .number("TotalCount", self.total)
            .number("FilterCount", self.filtered)
            .number("SentCount", self.sent)
            .number("ErrorCount", self.error);
        if appendix.copyright {
            event = event.raw("CopyrightCheckResult", &self.copyright_result());
        }
        if appendix.articles {
            event = event.raw("ArticleUrlResult", &self.article_urls());
        }
        Writer::default().raw("xml", &event.finish()).finish()
    }

    fn copyright_result(&self) -> String {
        let items = self
            .copyright
            .iter()
            .fold(Writer::default(), |list, item| list.raw("item", &item.to_xml()));
        Writer::default()
            .number("Count", self.copyright.len())
            .raw("ResultList", &items.finish())
            .number("CheckState", self.check_state)
            .finish()
    }

    fn article_urls(&self) -> String {
        let mut items = Writer::default();
        for (index, url) in self.articles.iter().enumerate() {
            let item = Writer::default()
                .number("ArticleIdx", index + 1)
                .text("ArticleUrl", url);
            items = items.raw("item", &item.finish());
        }
        Writer::default()
            .number("Count", self.articles.len())
            .raw("ResultList", &items.finish())
            .finish()
    }

    /// Reads the event. The parts added after 2016 may be missing.
    pub fn from_xml(xml: &str) -> Result<Self, XmlError> {
        Self::from_element(&Element::parse(xml)?).ok_or(XmlError)
    }

    fn from_element(event: &Element) -> Option<Self> {
        if event.child_text("Event")? != "MASSSENDJOBFINISH" {
            return None;
        }
        let check = event.child("CopyrightCheckResult");
        let urls = items(event.child("ArticleUrlResult")).map(|item| item.child_text("ArticleUrl"));
        Some(Self {
            to: event.child_text("ToUserName")?.to_owned(),
            create_time: event.child_number("CreateTime")?,
            msg_id: event.child_number("MsgID")?,
            status: event.child_text("Status")?.to_owned(),
            total: event.child_number("TotalCount")?,
            filtered: event.child_number("FilterCount")?,
            sent: event.child_number("SentCount")?,
            error: event.child_number("ErrorCount")?,
            copyright: items(check)
                .map(CopyrightItem::from_element)
                .collect::<Option<_>>()?,
            check_state: check
                .and_then(|check| check.child_number("CheckState"))
                .unwrap_or(0),
            articles: urls.map(|url| url.map(str::to_owned)).collect::<Option<_>>()?,
        })
    }
}

/// The items of a result, none if the result is missing.
fn items(result: Option<&Element>) -> impl Iterator<Item = &Element> {
    result
        .and_then(|result| result.child("ResultList"))
        .into_iter()
        .flat_map(|list| &list.children)
}

impl CopyrightItem {
    fn to_xml(&self) -> String {
        Writer::default()
            .number("ArticleIdx", self.article_idx)
            .number("UserDeclareState", self.user_declare_state)
            .number("AuditState", self.audit_state)
            .text("OriginalArticleUrl", &self.original_article_url)
            .number("OriginalArticleType", self.original_article_type)
            .number("CanReprint", u8::from(self.can_reprint))
            .number("NeedReplaceContent", u8::from(self.need_replace_content))
            .number("NeedShowReprintSource", u8::from(self.need_show_reprint_source))
            .finish()
    }

    fn from_element(item: &Element) -> Option<Self> {
        Some(Self {
            article_idx: item.child_number("ArticleIdx")?,
            user_declare_state: item.child_number("UserDeclareState")?,
            audit_state: item.child_number("AuditState")?,
            original_article_url: item.child_text("OriginalArticleUrl")?.to_owned(),
            original_article_type: item.child_number("OriginalArticleType")?,
            can_reprint: item.child_number("CanReprint")? != 0,
            need_replace_content: item.child_number("NeedReplaceContent")? != 0,
            need_show_reprint_source: item.child_number("NeedShowReprintSource")? != 0,
        })
    }
}

/// `PUBLISHJOBFINISH`: a publication without a mass send has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishFinished {
    /// The account's original id.
    pub to: String,
    /// Unix seconds; receivers take events of the same second for one.
    pub create_time: i64,
    /// The publication.
    pub publish_id: i64,
    /// As in `freepublish/get`.
    pub publish_status: i64,
    /// The publication's lasting name; empty if it did not become public.
    pub article_id: String,
    /// The links of the articles, in order; empty if it did not become public.
    pub articles: Vec<String>,
    /// The articles for which it failed, counted from 1.
    pub fail_idx: Vec<i64>,
}

impl PublishFinished {
    /// The event as XML.
    pub fn to_xml(&self) -> String {
        let mut info = Writer::default()
            .number("publish_id", self.publish_id)
            .number("publish_status", self.publish_status);
        if !self.article_id.is_empty() {
            info = info.text("article_id", &self.article_id);
        }
        if !self.articles.is_empty() {
            info = info.raw("article_detail", &self.article_detail());
        }
        for index in &self.fail_idx {
            info = info.number("fail_idx", index);
        }
        let event = head(&self.to, MASS_SENDER, self.create_time, "PUBLISHJOBFINISH")
            .raw("PublishEventInfo", &info.finish());
        Writer::default().raw("xml", &event.finish()).finish()
    }

    fn article_detail(&self) -> String {
        let mut detail = Writer::default().number("count", self.articles.len());
        for (index, url) in self.articles.iter().enumerate() {
            let item = Writer::default()
                .number("idx", index + 1)
                .text("article_url", url);
            detail = detail.raw("item", &item.finish());
        }
        detail.finish()
    }

    /// Reads the event.
    pub fn from_xml(xml: &str) -> Result<Self, XmlError> {
        Self::from_element(&Element::parse(xml)?).ok_or(XmlError)
    }

    fn from_element(event: &Element) -> Option<Self> {
        if event.child_text("Event")? != "PUBLISHJOBFINISH" {
            return None;
        }
        let info = event.child("PublishEventInfo")?;
        let named = |parent: Option<&'_ Element>, name: &str| -> Vec<Element> {
            let children = parent.into_iter().flat_map(|parent| &parent.children);
            children.filter(|child| child.name == name).cloned().collect()
        };
        let urls = named(info.child("article_detail"), "item");
        let failed = named(Some(info), "fail_idx");
        Some(Self {
            to: event.child_text("ToUserName")?.to_owned(),
            create_time: event.child_number("CreateTime")?,
            publish_id: info.child_number("publish_id")?,
            publish_status: info.child_number("publish_status")?,
            article_id: info.child_text("article_id").unwrap_or_default().to_owned(),
            articles: urls
                .iter()
                .map(|item| item.child_text("article_url").map(str::to_owned))
                .collect::<Option<_>>()?,
            fail_idx: failed
                .iter()
                .map(|index| index.text.parse().ok())
                .collect::<Option<_>>()?,
        })
    }
}

/// `subscribe` or `unsubscribe`: a follower has come or left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Following {
    /// The account's original id.
    pub to: String,
    /// The follower.
    pub openid: String,
    /// Unix seconds.
    pub create_time: i64,
    /// Which of the two.
    pub change: Change,
}

/// Whether a follower has come or left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The follower has come.
    Subscribe,
    /// The follower has left.
    Unsubscribe,
}

impl Change {
    /// The word in `Event`.
    pub fn word(self) -> &'static str {
        match self {
            Change::Subscribe => "subscribe",
            Change::Unsubscribe => "unsubscribe",
        }
    }
}

impl Following {
    /// The event as XML.
    pub fn to_xml(&self) -> String {
        let event = head(&self.to, &self.openid, self.create_time, self.change.word());
        Writer::default().raw("xml", &event.finish()).finish()
    }
}

/// The elements that every event begins with.
fn head(to: &str, from: &str, create_time: i64, event: &str) -> Writer {
    Writer::default()
        .text("ToUserName", to)
        .text("FromUserName", from)
        .number("CreateTime", create_time)
        .text("MsgType", "event")
        .text("Event", event)
}
