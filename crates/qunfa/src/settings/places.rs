//! Opening what the settings name, beside the server that may be using it.

use store::{StoreResult, blob::Blobs, reader::Reader};

use super::Settings;

impl Settings {
    /// The rows, to be read only: of the PostgreSQL server, or else of the data folder.
    pub fn reader(&self) -> StoreResult<Reader> {
        match self.postgres() {
            Some(server) => Reader::connect(&server),
            None => Reader::open(&self.store.data),
        }
    }

    /// The uploads: of the bucket, or else of the data folder, where their folder is made if needed.
    pub fn uploads(&self) -> StoreResult<Blobs> {
        match self.blobs.bucket() {
            Some(bucket) => Blobs::in_bucket(&bucket),
            None => Blobs::in_folder(&self.store.data.join("blobs")),
        }
    }
}
