//! Bytes: pictures, voice, video. Content-addressed, written before the row that names them, never
//! overwritten; an eventually consistent bucket does no harm.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use domain::{content::StoredBlob, id::BlobId};
use object_store::{
    ObjectStore, ObjectStoreExt, PutMode, PutOptions, local::LocalFileSystem, path::Path as ObjectPath,
};

use crate::{StoreError, StoreResult};

/// The blob store.
#[derive(Clone, Debug)]
pub struct Blobs {
    objects: Arc<dyn ObjectStore>,
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
        })
    }

    /// Stores `bytes`; storing the same bytes again is a no-op.
    pub async fn put(&self, bytes: Bytes, content_type: &str) -> StoreResult<StoredBlob> {
        let blob = StoredBlob {
            id: BlobId::of(&bytes),
            content_type: content_type.to_owned(),
            length: bytes.len() as u64,
        };
        let once = PutOptions {
            mode: PutMode::Create,
            ..PutOptions::default()
        };
        match self.objects.put_opts(&path(&blob.id), bytes.into(), once).await {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(blob),
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

    /// Removes bytes that nothing refers to.
    pub async fn delete(&self, id: &BlobId) -> StoreResult<()> {
        match self.objects.delete(&path(id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn path(id: &BlobId) -> ObjectPath {
    let folder = id.0.get(..2).unwrap_or("00");
    ObjectPath::from(format!("{folder}/{}", id.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_come_back_as_they_were_until_they_are_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::in_folder(folder.path()).expect("opens");
        let blob = blobs
            .put(Bytes::from_static(b"hello"), "image/png")
            .await
            .expect("stores");
        assert_eq!(
            blobs
                .put(Bytes::from_static(b"hello"), "image/png")
                .await
                .expect("stores again"),
            blob
        );
        assert_eq!(
            blobs.get(&blob.id).await.expect("reads"),
            Some(Bytes::from_static(b"hello"))
        );
        blobs.delete(&blob.id).await.expect("deletes");
        assert_eq!(blobs.get(&blob.id).await.expect("reads"), None);
    }
}
