//! Bytes and their notes, on files and on a real S3-compatible server.

use domain::{id::AccountId, time::Calendar};
use testkit::S3;

use super::{object::BlobStore, *};
use crate::{media::MediaStore, postgres::PostgresOptions, rows::SqlStore, vault::Vault};

const DAY: Timestamp = Timestamp(24 * 3_600 * 1_000);
const BUCKET: &str = "qunfa-blobs";

/// Where the bytes of a test lie.
enum Place {
    Folder,
    Bucket { server: S3, conditional_put: bool },
}

impl Place {
    fn all() -> [Place; 3] {
        let bucket = |conditional_put| {
            let server = S3::start();
            server.create_bucket(BUCKET);
            Place::Bucket {
                server,
                conditional_put,
            }
        };
        [Place::Folder, bucket(true), bucket(false)]
    }

    /// The blob store as one more node sees it.
    fn blobs(&self, folder: &Path) -> Blobs {
        match self {
            Place::Folder => Blobs::in_folder(&folder.join("blobs")),
            Place::Bucket {
                server,
                conditional_put,
            } => Blobs::in_bucket(&bucket(server, *conditional_put)),
        }
        .expect("opens")
    }

    /// Its objects as files.
    fn files(&self, folder: &Path) -> std::path::PathBuf {
        match self {
            Place::Folder => folder.join("blobs"),
            Place::Bucket { server, .. } => server.bucket(BUCKET).join("some/where"),
        }
    }
}

fn bucket(server: &S3, conditional_put: bool) -> Bucket {
    Bucket {
        name: BUCKET.into(),
        prefix: "some/where".into(),
        endpoint: Some(server.endpoint()),
        region: S3::REGION.into(),
        credentials: Some((S3::ACCESS_KEY_ID.into(), S3::SECRET_ACCESS_KEY.into())),
        allow_http: true,
        conditional_put,
    }
}

fn open(folder: &Path) -> SqlStore {
    SqlStore::open(folder, Vault::new([1; 32]), Calendar::shanghai()).expect("opens")
}

async fn keep(blobs: &Blobs, store: &SqlStore, bytes: &Bytes, at: Timestamp) -> StoredBlob {
    let kept = blobs.keep(store, bytes.clone(), "image/png", at).await;
    kept.expect("stores")
}

#[tokio::test]
async fn bytes_come_back_as_they_were_until_they_are_collected() {
    for place in Place::all() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, blobs) = (open(folder.path()), place.blobs(folder.path()));
        blobs.check_health().await.expect("answers");
        // As large as a video may be.
        let bytes = Bytes::from(
            (0..10_u32 << 20)
                .map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[2])
                .collect::<Vec<u8>>(),
        );
        let blob = keep(&blobs, &store, &bytes, Timestamp(0)).await;
        assert_eq!(keep(&blobs, &store, &bytes, Timestamp(0)).await, blob);
        assert_eq!(blobs.get(&store, &blob.id).await.expect("reads"), Some(bytes));
        let image = store.add_image(AccountId(1), blob.clone(), Timestamp(0));
        let image = image.await.expect("adds");
        let collect = || blobs.collect(&store, DAY, 2, DAY);
        assert_eq!(collect().await.expect("collects"), Collected::default());
        let row = store.image(AccountId(1), image).await.expect("reads");
        assert_eq!(row, Some(blob.clone()));
        let other = keep(&blobs, &store, &Bytes::from_static(b"other"), Timestamp(0)).await;
        assert_eq!(collect().await.expect("collects").deleted, 1);
        assert_eq!(blobs.get(&store, &other.id).await.expect("reads"), None);
        assert!(blobs.get(&store, &blob.id).await.expect("reads").is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_of_bytes_that_are_being_collected_keeps_its_object() {
    for place in Place::all() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path());
        let (uploads, collects) = (place.blobs(folder.path()), place.blobs(folder.path()));
        for round in 0..40 {
            let bytes = Bytes::from(format!("round {round}"));
            keep(&uploads, &store, &bytes, Timestamp(0)).await;
            let (again, collected) = tokio::join!(
                keep(&uploads, &store, &bytes, DAY),
                collects.collect(&store, DAY, 8, DAY)
            );
            collected.expect("collects");
            assert!(
                uploads.get(&store, &again.id).await.expect("reads").is_some(),
                "{round}"
            );
        }
    }
}

#[tokio::test]
async fn a_deletion_that_comes_late_or_twice_deletes_no_later_upload() {
    for place in Place::all() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, blobs) = (open(folder.path()), place.blobs(folder.path()));
        let bytes = Bytes::from_static(b"twice");
        keep(&blobs, &store, &bytes, Timestamp(0)).await;
        assert_eq!(store.retire_blobs(DAY, 8, DAY).await.expect("retires"), 1);
        // A node has read what it is to delete, and stands still.
        let stale = store.retired_blobs(DAY, 8).await.expect("reads");
        // Another does the same work to its end, and the bytes come again.
        assert_eq!(
            blobs
                .collect(&store, DAY, 8, DAY)
                .await
                .expect("collects")
                .deleted,
            1
        );
        let again = keep(&blobs, &store, &bytes, DAY).await;
        for object in &stale {
            blobs.delete(object).await.expect("deletes what is gone");
        }
        store.forget_retired_blobs(&stale).await.expect("forgets");
        assert_eq!(blobs.get(&store, &again.id).await.expect("reads"), Some(bytes));
    }
}

#[tokio::test]
async fn bytes_that_a_crash_kept_from_being_deleted_are_deleted_by_the_next_turn() {
    for place in Place::all() {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = place.blobs(folder.path());
        {
            let store = open(folder.path());
            keep(&blobs, &store, &Bytes::from_static(b"left"), Timestamp(0)).await;
            assert_eq!(store.retire_blobs(DAY, 8, DAY).await.expect("retires"), 1);
        }
        let store = open(folder.path());
        let files = || walk(&place.files(folder.path()));
        assert_eq!(files().len(), 1);
        assert_eq!(
            blobs
                .collect(&store, DAY, 8, DAY)
                .await
                .expect("collects")
                .deleted,
            1
        );
        assert_eq!(files(), Vec::<std::path::PathBuf>::new());
        assert_eq!(
            blobs.collect(&store, DAY, 8, DAY).await.expect("collects"),
            Collected::default()
        );
    }
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => walk(&path),
            path => vec![path],
        })
        .collect()
}

#[tokio::test]
async fn a_file_that_cannot_be_deleted_stops_no_other_and_is_tried_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, blobs) = (open(folder.path()), Place::Folder.blobs(folder.path()));
    for bytes in ["a", "b", "c"] {
        keep(&blobs, &store, &Bytes::from(bytes), Timestamp(0)).await;
    }
    // A folder in the file's place: it cannot be removed as a file.
    let file = walk(&folder.path().join("blobs")).remove(0);
    std::fs::remove_file(&file).expect("removes");
    std::fs::create_dir_all(file.join("full")).expect("makes");
    let collected = blobs.collect(&store, DAY, 8, DAY).await.expect("collects");
    assert_eq!((collected.deleted, collected.failed), (2, 1));
    std::fs::remove_dir_all(&file).expect("removes");
    assert_eq!(
        blobs.collect(&store, DAY, 8, DAY).await.expect("collects"),
        Collected::default()
    );
    let later = DAY.plus_ms(TRY_AGAIN_MS);
    let collected = blobs.collect(&store, later, 8, later).await.expect("collects");
    assert_eq!((collected.deleted, collected.failed), (1, 0));
}

#[tokio::test]
async fn files_of_before_there_were_generations_are_found_and_collected() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, blobs) = (open(folder.path()), Place::Folder.blobs(folder.path()));
    let bytes = Bytes::from_static(b"old");
    let id = BlobId::of(&bytes);
    let db = rusqlite::Connection::open(store.file().expect("a file")).expect("opens");
    db.execute("INSERT INTO blob (id, used_until) VALUES (?, 0)", [&id.0])
        .expect("inserts");
    let file = folder.path().join("blobs").join(&id.0[..2]).join(&id.0);
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("makes");
    std::fs::write(&file, &bytes).expect("writes");
    assert_eq!(blobs.get(&store, &id).await.expect("reads"), Some(bytes.clone()));
    keep(&blobs, &store, &bytes, DAY).await;
    assert_eq!(walk(&folder.path().join("blobs")), std::slice::from_ref(&file));
    let later = DAY.plus_ms(1);
    assert_eq!(
        blobs
            .collect(&store, later, 8, later)
            .await
            .expect("collects")
            .deleted,
        1
    );
    assert!(!file.exists());
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_is_an_error_that_says_so_and_no_secret() {
    let mut server = S3::start();
    let unknown = Blobs::in_bucket(&bucket(&server, true)).expect("opens");
    let error = unknown
        .check_health()
        .await
        .expect_err("there is no such bucket")
        .to_string();
    assert!(
        error.contains("NoSuchBucket") || error.contains(BUCKET),
        "{error}"
    );
    server.create_bucket(BUCKET);
    let wrong = Bucket {
        credentials: Some((S3::ACCESS_KEY_ID.into(), "wrong-secret".into())),
        ..bucket(&server, true)
    };
    let error = Blobs::in_bucket(&wrong).expect("opens").check_health().await;
    let error = error.expect_err("the secret is wrong").to_string();
    assert!(!error.contains("wrong-secret"), "{error}");
    assert!(!format!("{wrong:?}").contains("wrong-secret"));
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    server.kill();
    let kept = unknown
        .keep(&store, Bytes::from_static(b"lost"), "image/png", DAY)
        .await;
    assert!(matches!(kept, Err(StoreError::Blob(_))), "{kept:?}");
    server.start_again();
    let kept = keep(&unknown, &store, &Bytes::from_static(b"lost"), DAY).await;
    assert!(unknown.get(&store, &kept.id).await.expect("reads").is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_on_one_database_server_and_one_bucket_lose_no_upload_and_leave_no_object() {
    const ROUNDS: usize = 40;
    let s3 = S3::start();
    s3.create_bucket(BUCKET);
    let url = testkit::Postgres::shared().create_database();
    let node = || {
        let options = PostgresOptions::new(url.clone());
        let store = SqlStore::connect(&options, Vault::new([1; 32]), Calendar::shanghai()).expect("connects");
        (store, Blobs::in_bucket(&bucket(&s3, true)).expect("opens"))
    };
    let ((store, uploads), (other_store, collects)) = (node(), node());
    let mut collected = 0;
    for round in 0..ROUNDS {
        let bytes = Bytes::from(format!("round {round}"));
        keep(&uploads, &store, &bytes, Timestamp(0)).await;
        let (again, turn) = tokio::join!(
            keep(&uploads, &store, &bytes, DAY),
            collects.collect(&other_store, DAY, 8, DAY)
        );
        collected += turn.expect("collects").deleted;
        let found = uploads.get(&other_store, &again.id).await.expect("reads");
        assert_eq!(found, Some(bytes), "{round}");
    }
    let later = DAY.plus_ms(1);
    collected += collects
        .collect(&other_store, later, 2 * ROUNDS, later)
        .await
        .expect("collects")
        .deleted;
    assert!(collected >= ROUNDS, "{collected}");
    assert_eq!(walk(&s3.bucket(BUCKET)), Vec::<std::path::PathBuf>::new());
}
