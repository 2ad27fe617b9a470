//! Which bytes are stored: the notes that make storing and deleting safe on many nodes.
//!
//! Bytes are known by their digest, and stored as an object of the digest and a **generation**, a random number
//! that is drawn when a note is made. Deleting begins with the note: once it is gone, the object belongs to
//! nobody, and whoever stores the same bytes again makes another note, another generation, another object. So
//! it does no harm when a deletion comes late, twice, or from a node that had stood still for an hour; and one
//! that a crash cut short is on the list of the retired.

use async_trait::async_trait;
use domain::{id::BlobId, time::Timestamp};

use crate::StoreResult;

/// One object of the blob store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlobObject {
    /// What the bytes are.
    pub id: BlobId,
    /// Which of the objects that hold them or held them; 0 for those of before there were generations.
    pub generation: i64,
}

/// The notes of stored bytes.
#[async_trait]
pub trait BlobStore {
    /// Takes a note of bytes that are about to be stored, before anything refers to them, and says as which
    /// object; use [`Blobs::keep`](crate::blob::Blobs::keep).
    async fn note_blob(&self, id: &BlobId, now: Timestamp) -> StoreResult<BlobObject>;
    /// The object of these bytes; `None` when they were never stored, or are gone.
    async fn blob_object(&self, id: &BlobId) -> StoreResult<Option<BlobObject>>;
    /// Retires at most `limit` blobs that nothing has referred to since `before`; says how many.
    async fn retire_blobs(&self, before: Timestamp, limit: usize, now: Timestamp) -> StoreResult<usize>;
    /// At most `limit` retired objects that are to be deleted now, those that wait longest first.
    async fn retired_blobs(&self, now: Timestamp, limit: usize) -> StoreResult<Vec<BlobObject>>;
    /// These retired objects are deleted.
    async fn forget_retired_blobs(&self, deleted: &[BlobObject]) -> StoreResult<()>;
    /// These retired objects could not be deleted and are tried again at `due_at`.
    async fn postpone_retired_blobs(&self, failed: &[BlobObject], due_at: Timestamp) -> StoreResult<()>;
}
