//! Backups: a folder with one database file, the files it refers to, and a manifest that names both.
//!
//! The manifest is written last and in one step: until then an earlier backup in the same folder stands. The
//! files are named by their content, so a later backup into the same folder adds only new ones.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{
    StoreError, backup,
    blob::{Blobs, object::BlobObject},
    check::{self, Seen},
    moving,
    reader::Reader,
};

use crate::settings::{
    Settings,
    secret::{self, SecretError},
};

/// The form of the folder.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
const BLOBS: &str = "blobs";
/// The master key's file, in backups that hold it.
const KEY: &str = "master.key";

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file system said no.
    #[error("{}: {error}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The store said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret's file said no.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Something is there that would be overwritten.
    #[error("{} is not empty; nothing is overwritten", .0.display())]
    InTheWay(PathBuf),
    /// The database that would be filled has rows.
    #[error("the PostgreSQL database is not empty; nothing is overwritten")]
    Filled,
    /// There is no backup.
    #[error("{} is no backup: {reason}", path.display())]
    NoBackup {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A backup that is not what was written.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// In what.
        reason: String,
    },
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the folder.
    pub format: u32,
    /// The version of the program that wrote it.
    pub qunfa: String,
    /// When, RFC 3339; the database is of this instant or a little later.
    pub taken_at: String,
    /// The number of the newest migration.
    pub tables: Option<i64>,
    /// The database.
    pub database: DatabaseFile,
    /// Files of kept bytes.
    pub blobs: BlobFiles,
    /// Rows of what matters most.
    pub counts: Counts,
    /// The zone of days and months.
    pub time_zone: String,
    /// Where the master key was; without it the backup cannot be used.
    pub master_key: MasterKey,
}

/// The database of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFile {
    /// Its name in the folder.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// The kept bytes of a backup; each file's name is its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobFiles {
    /// How many.
    pub files: u64,
    /// The SHA-256 of all names, in order.
    pub sha256: String,
}

/// The sizes of the tables that matter most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Counts {
    pub accounts: u64,
    pub masses: u64,
    pub deliveries: u64,
    pub followers: u64,
}

/// Where the key is that the secrets in the database are encrypted with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterKey {
    /// Its place on the machine of the backup.
    pub path: PathBuf,
    /// Whether a copy lies in the backup.
    pub included: bool,
}

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where to.
    pub folder: PathBuf,
    /// Whether an earlier backup in the folder is brought up to date.
    pub into_earlier: bool,
    /// Whether the master key is copied too.
    pub with_key: bool,
    /// Now, RFC 3339.
    pub taken_at: String,
}

/// Told of each step: what, how much is done, of how much.
pub type Progress<'a> = &'a (dyn Fn(&str, u64, u64) + Sync);

/// Copies the installation of these settings, which may be running.
pub async fn backup(
    settings: &Settings,
    plan: &Plan,
    progress: Progress<'_>,
) -> Result<(Manifest, u64), BackupError> {
    // Fails where there is no installation that this program knows.
    let source = settings.reader()?;
    let earlier = prepare(&plan.folder, plan.into_earlier)?;
    let name = free_name(&plan.folder, &plan.taken_at);
    let file = plan.folder.join(&name);
    copy_rows(&source, &file, progress)?;
    let copy = Reader::open_file(file.clone())?;
    let used = check::used_blobs(&copy)?;
    let from = settings.uploads()?;
    let to = Blobs::in_folder(&plan.folder.join(BLOBS))?;
    let mut added = 0;
    for (done, object) in used.iter().enumerate() {
        progress("files 文件", done as u64, used.len() as u64);
        added += u64::from(from.copy_to(&to, object).await?.is_some());
    }
    let key_path = settings.master_key_path();
    if plan.with_key {
        let key = secret::read_key(&key_path)?.ok_or_else(|| missing(&key_path))?;
        let copy = plan.folder.join(KEY);
        if secret::read_key(&copy)? != Some(key) {
            secret::write_key(&copy, &key)?;
        }
    }
    let Seen {
        accounts,
        masses,
        deliveries,
        followers,
        ..
    } = check::count(&copy)?;
    let (bytes, sha256) = digest(&file, &|done, all| progress("digest 摘要", done, all))?;
    let manifest = Manifest {
        format: FORMAT,
        qunfa: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at: plan.taken_at.clone(),
        tables: copy.version()?,
        database: DatabaseFile {
            file: name,
            bytes,
            sha256,
        },
        blobs: blob_files(&used),
        counts: Counts {
            accounts,
            masses,
            deliveries,
            followers,
        },
        time_zone: settings.store.time_zone.clone(),
        master_key: MasterKey {
            path: fs::canonicalize(&key_path).unwrap_or(key_path),
            included: plan.with_key,
        },
    };
    write_manifest(&plan.folder, &manifest)?;
    if let Some(earlier) = earlier {
        let old = plan.folder.join(earlier.database.file);
        fs::remove_file(&old).map_err(|error| file_error(&old, error))?;
    }
    Ok((manifest, added))
}

/// Copies one snapshot of the rows into a database file, whatever they lie in.
fn copy_rows(source: &Reader, file: &Path, progress: Progress<'_>) -> Result<(), StoreError> {
    match source.file() {
        Some(database) => backup::copy(database, file, &|done, all| {
            progress("database 数据库", done, all);
        }),
        None => aside(|| moving::into_file(source, file, progress)).map(drop),
    }
}

/// Runs `work` on a thread of its own: a server's rows are waited for, which this thread may be forbidden to.
pub(crate) fn aside<T: Send>(work: impl FnOnce() -> Result<T, StoreError> + Send) -> Result<T, StoreError> {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap_or(Err(StoreError::Closed)))
}

/// The manifest of a backup.
pub fn read_manifest(folder: &Path) -> Result<Manifest, BackupError> {
    let no_backup = |reason: String| BackupError::NoBackup {
        path: folder.to_owned(),
        reason,
    };
    let path = folder.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(|error| no_backup(format!("{MANIFEST}: {error}")))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| no_backup(format!("{MANIFEST}: {error}")))?;
    if manifest.format != FORMAT {
        let format = manifest.format;
        return Err(no_backup(format!(
            "its form {format} is not known to this program"
        )));
    }
    // A name, never a way out of the folder.
    if Path::new(&manifest.database.file).components().count() != 1 || manifest.database.file.starts_with('.')
    {
        return Err(no_backup("its database has no name".into()));
    }
    Ok(manifest)
}

/// Makes an installation from a backup: in a folder that holds nothing but perhaps the master key, or, where the settings
/// name a PostgreSQL server, in its database, which must be empty.
pub async fn restore(
    source: &Path,
    settings: &Settings,
    progress: Progress<'_>,
) -> Result<Manifest, BackupError> {
    let data = &settings.store.data;
    let server = settings.postgres();
    let manifest = read_manifest(source)?;
    let key_path = settings.master_key_path();
    match &server {
        Some(server) if !aside(|| moving::is_empty(server))? => return Err(BackupError::Filled),
        Some(_) => {}
        None => refuse_non_empty(data, &[KEY])?,
    }
    let from = source.join(&manifest.database.file);
    let damaged = |path: &Path, reason: &str| BackupError::Damaged {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let (bytes, sha256) = digest(&from, &|done, all| progress("digest 摘要", done, all))?;
    if (bytes, &sha256) != (manifest.database.bytes, &manifest.database.sha256) {
        return Err(damaged(&from, "it is not what the manifest says"));
    }
    let copy = Reader::open_file(from.clone())?;
    let used = check::used_blobs(&copy)?;
    if blob_files(&used) != manifest.blobs {
        return Err(damaged(&from, "it refers to other files than the manifest says"));
    }
    let ours = secret::read_key(&key_path)?;
    let key = match (ours, secret::read_key(&source.join(KEY))?) {
        (Some(key), _) | (None, Some(key)) => Some(key),
        (None, None) => None,
    };
    if let Some(key) = key
        && !copy.opens_with(&store::vault::Vault::new(key))?
    {
        return Err(damaged(&key_path, "it is not the master key of this backup"));
    }
    secret::open_data_folder(data)?;
    let files = Blobs::in_folder(&source.join(BLOBS))?;
    let blobs = settings.uploads()?;
    for (done, object) in used.iter().enumerate() {
        progress("files 文件", done as u64, used.len() as u64);
        files.copy_to(&blobs, object).await?;
    }
    if let (None, Some(key)) = (ours, key) {
        secret::write_key(&key_path, &key)?;
    }
    if let Some(server) = &server {
        aside(|| moving::into_server(&copy, server, progress))?;
        return Ok(manifest);
    }
    // Last, and under its name at once: a folder without it is no installation.
    let unfinished = data.join("qunfa.db.unfinished");
    backup::copy(&from, &unfinished, &|done, all| {
        progress("database 数据库", done, all)
    })?;
    let database = data.join("qunfa.db");
    fs::rename(&unfinished, &database).map_err(|error| file_error(&database, error))?;
    sync_folder(data)?;
    Ok(manifest)
}

/// Makes the folder of a backup; the manifest of the earlier one in it.
fn prepare(folder: &Path, into_earlier: bool) -> Result<Option<Manifest>, BackupError> {
    if into_earlier {
        let manifest = read_manifest(folder)?;
        secret::open_private_folder(folder)?;
        return Ok(Some(manifest));
    }
    refuse_non_empty(folder, &[])?;
    secret::open_private_folder(folder)?;
    Ok(None)
}

fn refuse_non_empty(folder: &Path, may_hold: &[&str]) -> Result<(), BackupError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| file_error(folder, error))?,
    };
    for entry in entries {
        let name = entry.map_err(|error| file_error(folder, error))?.file_name();
        if !may_hold.iter().any(|allowed| name == *allowed) && name != "lost+found" {
            return Err(BackupError::InTheWay(folder.to_owned()));
        }
    }
    Ok(())
}

/// A name for the database that nothing in the folder has; two backups may be of one second.
fn free_name(folder: &Path, taken_at: &str) -> String {
    let instant = taken_at.replace([':', '+'], "");
    let mut name = format!("qunfa-{instant}.db");
    let mut number = 1;
    while folder.join(&name).exists() {
        number += 1;
        name = format!("qunfa-{instant}-{number}.db");
    }
    name
}

fn write_manifest(folder: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let path = folder.join(MANIFEST);
    let failed = |error| file_error(&path, error);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    serde_json::to_writer_pretty(&mut file, manifest).map_err(|error| failed(error.into()))?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&path).map_err(|refused| failed(refused.error))?;
    sync_folder(folder)
}

fn sync_folder(folder: &Path) -> Result<(), BackupError> {
    let flushed = fs::File::open(folder).and_then(|folder| folder.sync_all());
    flushed.map_err(|error| file_error(folder, error))
}

fn blob_files(used: &[BlobObject]) -> BlobFiles {
    let mut names = Sha256::new();
    used.iter()
        .for_each(|object| names.update(object.id.0.as_bytes()));
    BlobFiles {
        files: used.len() as u64,
        sha256: hex::encode(names.finalize()),
    }
}

/// Length and SHA-256 of a file.
fn digest(path: &Path, progress: &dyn Fn(u64, u64)) -> Result<(u64, String), BackupError> {
    let failed = |error| file_error(path, error);
    let mut file = fs::File::open(path).map_err(failed)?;
    let all = file.metadata().map_err(failed)?.len();
    let (mut digest, mut done, mut part) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let count = file.read(&mut part).map_err(failed)?;
        if count == 0 {
            return Ok((done, hex::encode(digest.finalize())));
        }
        digest.update(part.get(..count).unwrap_or_default());
        done += count as u64;
        progress(done, all);
    }
}

fn missing(path: &Path) -> BackupError {
    file_error(path, io::ErrorKind::NotFound.into())
}

fn file_error(path: &Path, error: io::Error) -> BackupError {
    BackupError::File {
        path: path.to_owned(),
        error,
    }
}
