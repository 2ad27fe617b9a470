//! Bytes: pictures, voice, video. Content-addressed, written before the row that names them, never
//! overwritten; an eventually consistent bucket does no harm.
//!
//! Which bytes are stored is noted in the store. Taking the note and storing go together, as do forgetting and
//! deleting: [`Blobs::keep`] and [`Blobs::collect`] exclude each other.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use domain::{content::StoredBlob, id::BlobId, time::Timestamp};
use object_store::{
    ObjectStore, ObjectStoreExt, PutMode, PutOptions, local::LocalFileSystem, path::Path as ObjectPath,
};

use tokio::sync::RwLock;

use crate::{Store, StoreError, StoreResult};

/// The blob store.
#[derive(Clone, Debug)]
pub struct Blobs {
    objects: Arc<dyn ObjectStore>,
    // Shared by those who store and note, alone for the one who forgets and deletes.
    collecting: Arc<RwLock<()>>,
}

/// What one turn of [`Blobs::collect`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs that were deleted.
    pub deleted: usize,
    /// Blobs that could not be deleted; they are noted again and tried later.
    pub failed: usize,
    /// Whether there may be more.
    pub more: bool,
}

impl Blobs {
    /// Blobs as files under `folder`, which is made if needed.
    pub fn in_folder(folder: &Path) -> StoreResult<Self> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(folder)
            .map_err(|error| StoreError::Blob(error.to_string()))?;
        let objects = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self {
            objects: Arc::new(objects),
            collecting: Arc::default(),
        })
    }

    /// Stores `bytes` and notes them in `store`: from now on they stay for as long as unused bytes do.
    pub async fn keep(
        &self,
        store: &dyn Store,
        bytes: Bytes,
        content_type: &str,
        now: Timestamp,
    ) -> StoreResult<StoredBlob> {
        let blob = stored(&bytes, content_type);
        let _shared = self.collecting.read().await;
        store.note_blob(&blob.id, now).await?;
        self.put(&blob.id, bytes).await?;
        Ok(blob)
    }

    /// Forgets and deletes at most `limit` blobs that nothing has referred to since `before`.
    pub async fn collect(
        &self,
        store: &dyn Store,
        before: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> StoreResult<Collected> {
        let candidates = store.unused_blobs(before, limit).await?;
        let _alone = self.collecting.write().await;
        let mut collected = Collected {
            more: candidates.len() == limit,
            ..Collected::default()
        };
        for id in store.forget_unused_blobs(&candidates, before).await? {
            match self.delete(&id).await {
                Ok(()) => collected.deleted += 1,
                Err(error) => {
                    tracing::warn!(%error, "unused bytes could not be deleted; they are tried again later");
                    collected.failed += 1;
                    store.note_blob(&id, now).await?;
                }
            }
        }
        Ok(collected)
    }

    /// Stores bytes; storing the same ones again is a no-op.
    async fn put(&self, id: &BlobId, bytes: Bytes) -> StoreResult<()> {
        let once = PutOptions {
            mode: PutMode::Create,
            ..PutOptions::default()
        };
        match self.objects.put_opts(&path(id), bytes.into(), once).await {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The bytes; `None` when they are gone.
    pub async fn get(&self, id: &BlobId) -> StoreResult<Option<Bytes>> {
        match self.objects.get(&path(id)).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Copies bytes to another store unless it has them; how many bytes that were. Fails when they are gone here or are
    /// not what their name says.
    pub async fn copy_to(&self, other: &Blobs, id: &BlobId) -> StoreResult<Option<u64>> {
        if other.objects.head(&path(id)).await.is_ok() {
            return Ok(None);
        }
        let Some(bytes) = self.get(id).await? else {
            return Err(StoreError::Blob(format!("the file of bytes {id} is missing")));
        };
        if BlobId::of(&bytes) != *id {
            return Err(StoreError::Blob(format!("the file of bytes {id} is damaged")));
        }
        let length = bytes.len() as u64;
        other.put(id, bytes).await?;
        Ok(Some(length))
    }

    /// Removes bytes that nothing refers to.
    async fn delete(&self, id: &BlobId) -> StoreResult<()> {
        match self.objects.delete(&path(id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn stored(bytes: &Bytes, content_type: &str) -> StoredBlob {
    StoredBlob {
        id: BlobId::of(bytes),
        content_type: content_type.to_owned(),
        length: bytes.len() as u64,
    }
}

fn path(id: &BlobId) -> ObjectPath {
    let folder = id.0.get(..2).unwrap_or("00");
    ObjectPath::from(format!("{folder}/{}", id.0))
}

#[cfg(test)]
mod tests {
    use domain::{id::AccountId, time::Calendar};

    use super::*;
    use crate::{media::MediaStore, rows::SqlStore, vault::Vault};

    const DAY: Timestamp = Timestamp(24 * 3_600 * 1_000);

    fn open(folder: &Path) -> (SqlStore, Blobs) {
        let store = SqlStore::open(folder, Vault::new([1; 32]), Calendar::shanghai()).expect("opens");
        (store, Blobs::in_folder(&folder.join("blobs")).expect("opens"))
    }

    #[tokio::test]
    async fn bytes_come_back_as_they_were_until_they_are_collected() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, blobs) = open(folder.path());
        let bytes = Bytes::from_static(b"hello");
        let keep = || blobs.keep(&store, bytes.clone(), "image/png", Timestamp(0));
        let blob = keep().await.expect("stores");
        assert_eq!(keep().await.expect("stores again"), blob);
        assert_eq!(blobs.get(&blob.id).await.expect("reads"), Some(bytes.clone()));
        let image = store.add_image(AccountId(1), blob.clone(), Timestamp(0));
        let image = image.await.expect("adds");
        let collect = || blobs.collect(&store, DAY, 2, DAY);
        assert_eq!(collect().await.expect("collects"), Collected::default());
        store
            .image(AccountId(1), image)
            .await
            .expect("reads")
            .expect("there");
        let other = blobs.keep(&store, Bytes::from_static(b"other"), "image/png", Timestamp(0));
        let other = other.await.expect("stores");
        assert_eq!(collect().await.expect("collects").deleted, 1);
        assert_eq!(blobs.get(&other.id).await.expect("reads"), None);
        assert!(blobs.get(&blob.id).await.expect("reads").is_some());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_upload_of_bytes_that_are_being_collected_keeps_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, blobs) = open(folder.path());
        for round in 0..40 {
            let bytes = Bytes::from(format!("round {round}"));
            let keep = |at| blobs.keep(&store, bytes.clone(), "image/png", at);
            keep(Timestamp(0)).await.expect("stores");
            let (again, collected) = tokio::join!(keep(DAY), blobs.collect(&store, DAY, 8, DAY));
            collected.expect("collects");
            let again = again.expect("stores again");
            assert!(blobs.get(&again.id).await.expect("reads").is_some(), "{round}");
        }
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_deleted_stops_no_other_and_is_tried_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, blobs) = open(folder.path());
        let mut ids = Vec::new();
        for bytes in ["a", "b", "c"] {
            let kept = blobs.keep(&store, Bytes::from(bytes), "image/png", Timestamp(0));
            ids.push(kept.await.expect("stores").id);
        }
        ids.sort();
        // A folder in the file's place: it cannot be removed as a file.
        let file = folder.path().join("blobs").join(path(&ids[0]).as_ref());
        std::fs::remove_file(&file).expect("removes");
        std::fs::create_dir_all(file.join("full")).expect("makes");
        let collected = blobs.collect(&store, DAY, 8, DAY).await.expect("collects");
        assert_eq!((collected.deleted, collected.failed), (2, 1));
        std::fs::remove_dir_all(&file).expect("removes");
        let later = DAY.plus_ms(1);
        let collected = blobs.collect(&store, later, 8, later).await.expect("collects");
        assert_eq!((collected.deleted, collected.failed), (1, 0));
    }
}
