//! [`BlobStore`]: the notes of what is stored in the blob store.

use async_trait::async_trait;
use domain::{id::BlobId, time::Timestamp};

use super::{SqlStore, writer::Scope};
use crate::{
    StoreResult,
    blob::object::{BlobObject, BlobStore},
    sql::{Connection, OptionalExtension, params},
};

/// Nothing refers to these bytes, and nothing did at an instant or later.
const UNUSED_SINCE: &str =
    "used_until < ? AND NOT EXISTS (SELECT 1 FROM blob_use WHERE blob_use.blob = blob.id)";

#[async_trait]
impl BlobStore for SqlStore {
    async fn note_blob(&self, id: &BlobId, now: Timestamp) -> StoreResult<BlobObject> {
        let id = id.clone();
        self.write(Scope::Common, move |db, shared| {
            note(db, &id, (shared.random.number() >> 1).cast_signed(), now)
        })
        .await
    }

    async fn blob_object(&self, id: &BlobId) -> StoreResult<Option<BlobObject>> {
        let id = id.clone();
        self.read(move |db, _| object(db, &id)).await
    }

    async fn retire_blobs(&self, before: Timestamp, limit: usize, now: Timestamp) -> StoreResult<usize> {
        self.write_bulk(Scope::Common, move |db, _| retire(db, before, limit, now))
            .await
    }

    async fn retired_blobs(&self, now: Timestamp, limit: usize) -> StoreResult<Vec<BlobObject>> {
        self.read(move |db, _| retired(db, now, limit)).await
    }

    async fn forget_retired_blobs(&self, deleted: &[BlobObject]) -> StoreResult<()> {
        let deleted = deleted.to_vec();
        self.write_bulk(Scope::Common, move |db, _| forget(db, &deleted))
            .await
    }

    async fn postpone_retired_blobs(&self, failed: &[BlobObject], due_at: Timestamp) -> StoreResult<()> {
        let failed = failed.to_vec();
        self.write_bulk(Scope::Common, move |db, _| postpone(db, &failed, due_at))
            .await
    }
}

/// Takes a note of bytes that are about to be stored; `fresh` is their generation if there is no note yet.
fn note(db: &Connection, id: &BlobId, fresh: i64, now: Timestamp) -> StoreResult<BlobObject> {
    let generation = db
        .prepare_cached(
            "INSERT INTO blob (id, used_until, generation) VALUES (?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET used_until = CASE
                 WHEN blob.used_until < excluded.used_until THEN excluded.used_until ELSE blob.used_until END
             RETURNING generation",
        )?
        .query_row(params![id.0, now.0, fresh], |row| row.get(0))?;
    Ok(BlobObject {
        id: id.clone(),
        generation,
    })
}

/// The object of these bytes.
fn object(db: &Connection, id: &BlobId) -> StoreResult<Option<BlobObject>> {
    let generation: Option<i64> = db
        .prepare_cached("SELECT generation FROM blob WHERE id = ?")?
        .query_row(params![id.0], |row| row.get(0))
        .optional()?;
    Ok(generation.map(|generation| BlobObject {
        id: id.clone(),
        generation,
    }))
}

/// Turns notes of unused bytes into objects to be deleted.
fn retire(db: &Connection, before: Timestamp, limit: usize, now: Timestamp) -> StoreResult<usize> {
    let candidates: Vec<String> = db
        .prepare_cached(&format!("SELECT id FROM blob WHERE {UNUSED_SINCE} LIMIT ?"))?
        .query_map(params![before.0, limit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut gone = 0;
    for id in candidates {
        // Who stores the same bytes at this moment has touched the note, and it stays.
        let generation: Option<i64> = db
            .prepare_cached(&format!(
                "DELETE FROM blob WHERE {UNUSED_SINCE} AND id = ? RETURNING generation"
            ))?
            .query_row(params![before.0, id], |row| row.get(0))
            .optional()?;
        let Some(generation) = generation else { continue };
        db.prepare_cached("INSERT INTO retired_blob (id, generation, due_at) VALUES (?, ?, ?)")?
            .execute(params![id, generation, now.0])?;
        gone += 1;
    }
    Ok(gone)
}

/// Objects to be deleted now.
fn retired(db: &Connection, now: Timestamp, limit: usize) -> StoreResult<Vec<BlobObject>> {
    let objects = db
        .prepare_cached(
            "SELECT id, generation FROM retired_blob WHERE due_at <= ? ORDER BY due_at, id, generation LIMIT ?",
        )?
        .query_map(params![now.0, limit], |row| {
            Ok(BlobObject {
                id: BlobId(row.get(0)?),
                generation: row.get(1)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(objects)
}

/// Objects that were deleted.
fn forget(db: &Connection, deleted: &[BlobObject]) -> StoreResult<()> {
    let mut forget = db.prepare_cached("DELETE FROM retired_blob WHERE id = ? AND generation = ?")?;
    for object in deleted {
        forget.execute(params![object.id.0, object.generation])?;
    }
    Ok(())
}

/// Objects whose deletion failed.
fn postpone(db: &Connection, failed: &[BlobObject], due_at: Timestamp) -> StoreResult<()> {
    let mut postpone =
        db.prepare_cached("UPDATE retired_blob SET due_at = ? WHERE id = ? AND generation = ?")?;
    for object in failed {
        postpone.execute(params![due_at.0, object.id.0, object.generation])?;
    }
    Ok(())
}
