//! Bytes: pictures, voice, video; files of a folder, or objects of an S3-compatible bucket. Written before the row
//! that names them, never overwritten; an eventually consistent bucket does no harm.
//!
//! Which bytes are stored is noted in the store ([`object`]); the notes decide, on however many nodes.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{content::StoredBlob, id::BlobId, time::Timestamp};
use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig,
    aws::{AmazonS3Builder, S3ConditionalPut},
    local::LocalFileSystem,
    path::Path as ObjectPath,
    prefix::PrefixStore,
};

use crate::{Store, StoreError, StoreResult, crash_point, measure};

/// The object that health checks write; no blob has such a name.
const PROBE: &str = "health";

pub mod object;

use object::BlobObject;

/// A deletion that failed is tried again after this time.
const TRY_AGAIN_MS: i64 = 10 * 60 * 1_000;
/// Time for a connection to the bucket; a caller waits five seconds in all (SEC10).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Time for one request to the bucket.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// A request that failed is repeated within this time.
const RETRY_TIMEOUT: Duration = Duration::from_secs(4);

/// The blob store.
#[derive(Clone, Debug)]
pub struct Blobs {
    objects: Arc<dyn ObjectStore>,
}

/// A bucket of an S3-compatible service.
#[derive(Clone)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What the names of all objects begin with; may be empty.
    pub prefix: String,
    /// The service's address; `None` is Amazon's of the region.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// Who asks, and the secret; `None` takes what the machine's own service tells (on Amazon's machines).
    pub credentials: Option<(String, String)>,
    /// Whether the endpoint may be plain http.
    pub allow_http: bool,
    /// Whether the service knows `If-None-Match: *` on PUT: an upload of known bytes then moves nothing.
    pub conditional_put: bool,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bucket({}/{})", self.name, self.prefix)
    }
}

/// What one turn of [`Blobs::collect`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs that were deleted.
    pub deleted: usize,
    /// Blobs that could not be deleted; they are tried later.
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
        })
    }

    /// Blobs as objects of a bucket; nothing is sent yet.
    pub fn in_bucket(bucket: &Bucket) -> StoreResult<Self> {
        let retries = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: 3,
            retry_timeout: RETRY_TIMEOUT,
        };
        let client = ClientOptions::new()
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_timeout(REQUEST_TIMEOUT)
            .with_allow_http(bucket.allow_http);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket.name)
            .with_region(&bucket.region)
            .with_client_options(client)
            .with_retry(retries)
            .with_conditional_put(match bucket.conditional_put {
                true => S3ConditionalPut::ETagMatch,
                false => S3ConditionalPut::Disabled,
            });
        if let Some(endpoint) = &bucket.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some((id, secret)) = &bucket.credentials {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
        }
        let objects = builder.build()?;
        Ok(Self {
            objects: Arc::new(PrefixStore::new(objects, bucket.prefix.as_str())),
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
        let object = store.note_blob(&blob.id, now).await?;
        crash_point!("blob.noted");
        self.put(&object, bytes).await?;
        crash_point!("blob.put");
        Ok(blob)
    }

    /// Gives up at most `limit` blobs that nothing has referred to since `before`, and deletes as many of those
    /// that were given up, here or on another node, now or before a crash.
    pub async fn collect(
        &self,
        store: &dyn Store,
        before: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> StoreResult<Collected> {
        let retired = store.retire_blobs(before, limit, now).await?;
        crash_point!("blob.forgotten");
        let due = store.retired_blobs(now, limit).await?;
        let more = retired == limit || due.len() == limit;
        let (mut deleted, mut failed) = (Vec::new(), Vec::new());
        for object in due {
            match self.delete(&object).await {
                Ok(()) => {
                    crash_point!("blob.deleted");
                    deleted.push(object);
                }
                Err(error) => {
                    tracing::warn!(%error, "unused bytes could not be deleted; they are tried again later");
                    failed.push(object);
                }
            }
        }
        store.forget_retired_blobs(&deleted).await?;
        store
            .postpone_retired_blobs(&failed, now.plus_ms(TRY_AGAIN_MS))
            .await?;
        Ok(Collected {
            deleted: deleted.len(),
            failed: failed.len(),
            more,
        })
    }

    /// Stores bytes; storing the same ones again is a no-op.
    async fn put(&self, object: &BlobObject, bytes: Bytes) -> StoreResult<()> {
        let once = PutOptions {
            mode: PutMode::Create,
            ..PutOptions::default()
        };
        let path = path(object);
        let length = bytes.len() as u64;
        match self.objects.put_opts(&path, bytes.clone().into(), once).await {
            Ok(_) => {}
            Err(object_store::Error::AlreadyExists { .. }) => return Ok(()),
            // Once more, as a plain write: the same bytes in the place of the same bytes do no harm. The service may know no
            // condition, or the connection was one that it had just closed, and such a request nobody else repeats.
            Err(error) => {
                tracing::debug!(%error, "an upload is tried again");
                self.objects.put(&path, bytes.into()).await?;
            }
        }
        metrics::counter!(measure::BLOB_BYTES.name, "direction" => "in").increment(length);
        Ok(())
    }

    /// Writes something small over what the check before it wrote, and reads it; fails when bytes cannot be kept: a wrong
    /// address, name or secret is found before an upload meets it.
    pub async fn check_health(&self) -> StoreResult<()> {
        let probe = ObjectPath::from(PROBE);
        self.objects.put(&probe, Bytes::from_static(b"ok").into()).await?;
        self.objects.get(&probe).await?.bytes().await?;
        Ok(())
    }

    /// The bytes that are noted in `store`; `None` when they are gone.
    pub async fn get(&self, store: &dyn Store, id: &BlobId) -> StoreResult<Option<Bytes>> {
        match store.blob_object(id).await? {
            Some(object) => self.fetch(&object).await,
            None => Ok(None),
        }
    }

    /// The bytes of an object; `None` when it is gone.
    pub async fn fetch(&self, object: &BlobObject) -> StoreResult<Option<Bytes>> {
        match self.objects.get(&path(object)).await {
            Ok(found) => {
                let bytes = found.bytes().await?;
                metrics::counter!(measure::BLOB_BYTES.name, "direction" => "out")
                    .increment(bytes.len() as u64);
                Ok(Some(bytes))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Copies an object to another store unless it has it; how many bytes that were. Fails when it is gone here or is
    /// not what its name says.
    pub async fn copy_to(&self, other: &Blobs, object: &BlobObject) -> StoreResult<Option<u64>> {
        if other.objects.head(&path(object)).await.is_ok() {
            return Ok(None);
        }
        let id = &object.id;
        let Some(bytes) = self.fetch(object).await? else {
            return Err(StoreError::Blob(format!("the file of bytes {id} is missing")));
        };
        if BlobId::of(&bytes) != *id {
            return Err(StoreError::Blob(format!("the file of bytes {id} is damaged")));
        }
        let length = bytes.len() as u64;
        other.put(object, bytes).await?;
        Ok(Some(length))
    }

    /// Removes an object that nothing refers to.
    async fn delete(&self, object: &BlobObject) -> StoreResult<()> {
        match self.objects.delete(&path(object)).await {
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

pub(crate) fn path(BlobObject { id, generation }: &BlobObject) -> ObjectPath {
    let folder = id.0.get(..2).unwrap_or("00");
    match generation {
        0 => ObjectPath::from(format!("{folder}/{}", id.0)),
        _ => ObjectPath::from(format!("{folder}/{}-{generation:016x}", id.0)),
    }
}

#[cfg(test)]
mod tests;
