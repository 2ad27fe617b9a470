//! The store under test, chosen by `QUNFA_TEST_STORE` (`sqlite` by default), prepared once and copied for each run.

use std::{path::Path, sync::Arc};

use domain::{
    account::AccountKind,
    article::Article,
    check::What,
    content::{News, NewsArticle, StoredBlob},
    follower::NewFollower,
    id::{AccountId, AppId, BlobId, MediaId, TagId},
    quota::Quota,
    time::{Calendar, Timestamp},
};
use store::{
    Store, account::NewAccount, postgres::PostgresOptions, reader::Reader, rows::SqlStore, vault::Vault,
};
use testkit::postgres::{Postgres, database_of};

use crate::reference::{ARTICLES, CROWD, FIRST_TAGS};

/// The two accounts, in the order of their making.
pub const ACCOUNTS: [AccountId; 2] = [AccountId(1), AccountId(2)];
/// The one news that each account has.
pub const NEWS: &str = "news";
/// Where a folder names its database.
const DATABASE_NOTE: &str = "database.url";
/// Before everything.
const LONG_AGO: Timestamp = Timestamp(1_700_000_000_000);

/// Whether leases outlive the process that took them: in rows they do, in memory they do not.
pub fn keeps_leases() -> bool {
    std::env::var_os("QUNFA_TEST_STORE").is_some_and(|name| name == "postgres")
}

/// A store that holds what every run begins with: two accounts, one with a crowd.
pub struct Template {
    folder: tempfile::TempDir,
    database: Option<String>,
}

/// The store of one run; it can be opened again after it was closed.
pub struct Home(tempfile::TempDir);

impl Template {
    pub async fn prepare() -> Self {
        let folder = folder();
        let database = database_of(folder.path());
        let store = open(folder.path());
        for (number, account) in ACCOUNTS.into_iter().enumerate() {
            prepare(store.as_ref(), account, number).await;
        }
        Self { folder, database }
    }

    /// A copy for one run.
    pub fn copy(&self) -> Home {
        let copy = folder();
        if let Some(url) = &self.database {
            let (_, name) = url.rsplit_once('/').expect("a database has a name");
            let url = Postgres::shared().create_database_like(name);
            std::fs::write(copy.path().join(DATABASE_NOTE), url).expect("a note");
            return Home(copy);
        }
        for file in std::fs::read_dir(self.folder.path()).expect("a folder") {
            let file = file.expect("a file");
            if file.file_type().expect("a type").is_file() {
                std::fs::copy(file.path(), copy.path().join(file.file_name())).expect("a copy");
            }
        }
        Home(copy)
    }
}

impl Home {
    /// The store; in a folder, the one that was opened before must be gone.
    pub fn store(&self) -> Arc<dyn Store> {
        open(self.path())
    }

    /// Every promise is kept by every row (I21).
    pub fn check(&self) {
        let reader = match database_of(self.path()) {
            Some(url) => Reader::connect(&PostgresOptions::new(url)),
            None => Reader::open(self.path()),
        };
        let report = store::check::run(&reader.expect("opens"), &Calendar::shanghai(), &|_, _, _| {});
        let findings = report.expect("checks").findings;
        // The pictures of these news were never uploaded.
        let others = findings
            .into_iter()
            .filter(|finding| !matches!(finding.what, What::BlobUnknown { .. }));
        assert_eq!(others.collect::<Vec<_>>(), [], "i21");
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The rows in this folder, or in the database that is noted there.
fn open(folder: &Path) -> Arc<dyn Store> {
    let (vault, calendar) = (Vault::new([7; 32]), Calendar::shanghai());
    let opened = match database_of(folder) {
        Some(url) => SqlStore::connect(&PostgresOptions::new(url), vault, calendar),
        None => SqlStore::open(folder, vault, calendar),
    };
    Arc::new(opened.expect("the store opens"))
}

/// In memory where the machine has such a folder: what is tested is what is written, not how fast a disk is.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
    .expect("a folder")
}

async fn prepare(store: &dyn Store, id: AccountId, number: usize) {
    let account = NewAccount {
        app_id: AppId(format!("wx000000000000000{number}")),
        original_id: format!("gh_{number}"),
        secret_hash: [number as u8; 32],
        name: "model".into(),
        kind: AccountKind::Service,
        verified: true,
        pay_enabled: false,
        quota: Quota::of(AccountKind::Service),
        open_id_secret: [3; 16],
    };
    let made = store
        .create_account(account, LONG_AGO)
        .await
        .expect("works")
        .expect("is new");
    assert_eq!(made.id, id);
    for tag in FIRST_TAGS {
        let made = store
            .create_tag(id, &tag_name(tag))
            .await
            .expect("works")
            .expect("is free");
        assert_eq!(made.id, TagId(tag));
    }
    store
        .add_news(id, MediaId(NEWS.into()), news(), None, LONG_AGO)
        .await
        .expect("works");
    if number == 0 {
        let crowd = (0..CROWD).map(|member| NewFollower {
            external_id: format!("crowd-{member:05}"),
            ..NewFollower::default()
        });
        store
            .import_followers(id, crowd.collect(), LONG_AGO)
            .await
            .expect("works");
    }
}

/// The name of a tag in every run.
pub fn tag_name(tag: i64) -> String {
    if tag == crate::reference::STARRED {
        "星标组".into()
    } else {
        format!("tag {tag}")
    }
}

fn news() -> News {
    let article = |number: u8| NewsArticle {
        article: Article {
            title: format!("article {number}"),
            author: String::new(),
            content: format!("<p>{number}</p>"),
            content_source_url: String::new(),
            digest: String::new(),
            show_cover_pic: false,
            need_open_comment: false,
            only_fans_can_comment: false,
        },
        cover_media: MediaId("cover".into()),
        cover: StoredBlob {
            id: BlobId("cover".into()),
            content_type: "image/jpeg".into(),
            length: 1,
        },
        cover_image: None,
        pictures: Vec::new(),
        gallery: None,
    };
    News {
        articles: (1..=ARTICLES).map(article).collect(),
    }
}
