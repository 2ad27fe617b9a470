//! Files with secrets: made at the first start, readable by their owner only (SEC3).

use std::{
    ffi::OsString,
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use store::random::Random;

/// Why a secret cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file system said no.
    #[error("{}: {error}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Others than the owner can read it.
    #[error("{} can be read by others (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Others than the owner can look into it.
    #[error("{} can be entered by others (mode {mode:03o}); run: chmod 700 {}", path.display(), path.display())]
    OpenFolder {
        /// The folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// What it holds is no such secret.
    #[error("{} does not hold {expected}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// The data folder is somebody else's.
    #[error("{} is neither empty nor a data folder of qunfa; name another one", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
}

/// How the name of a file begins that is still being written; one that was cut off stays behind and harms nobody.
const UNFINISHED: &str = ".unfinished-";

/// What a data folder may hold before the database is in it, and how one is recognised.
const OWN_FILES: [&str; 4] = ["qunfa.db", "lock", "master.key", super::ADMIN_TOKEN_FILE];

/// Makes the data folder, or takes an existing one; either way only its owner can look into it afterwards.
/// A folder with other things in it is refused rather than closed to others.
pub fn open_data_folder(path: &Path) -> Result<(), SecretError> {
    let failed = |error| SecretError::File {
        path: path.into(),
        error,
    };
    make_folder(path).map_err(failed)?;
    let names: io::Result<Vec<_>> =
        fs::read_dir(path).and_then(|entries| entries.map(|e| Ok(e?.file_name())).collect());
    let names = names.map_err(failed)?;
    let own = names.iter().any(|name| OWN_FILES.iter().any(|own| name == own));
    // A node whose rows and key lie elsewhere has nothing but its uploads here.
    let harmless = |name: &OsString| name == "lost+found" || name == "blobs";
    let foreign = |name: &OsString| !harmless(name) && !name.to_string_lossy().starts_with(UNFINISHED);
    if !own && names.iter().any(foreign) {
        return Err(SecretError::Foreign { path: path.into() });
    }
    if mode(path).map_err(failed)? & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

/// Makes a folder for secrets, or takes an existing one that nobody else can look into.
pub fn open_private_folder(path: &Path) -> Result<(), SecretError> {
    let failed = |error| SecretError::File {
        path: path.into(),
        error,
    };
    make_folder(path).map_err(failed)?;
    match mode(path).map_err(failed)? {
        mode if mode & 0o077 == 0 => Ok(()),
        mode => Err(SecretError::OpenFolder {
            path: path.into(),
            mode,
        }),
    }
}

/// The master key of a file: 32 bytes as 64 hexadecimal digits, made at the first call.
pub fn read_or_make_key(path: &Path) -> Result<[u8; 32], SecretError> {
    let text = read_or_make(path, || hex::encode(Random::system().bytes::<32>()))?;
    parse_key(path, &text)
}

/// The master key of a file; `None` when there is no such file.
pub fn read_key(path: &Path) -> Result<Option<[u8; 32]>, SecretError> {
    match read(path) {
        Ok(text) => parse_key(path, &text).map(Some),
        Err(SecretError::File { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a master key to a file that must not be there yet.
pub fn write_key(path: &Path, key: &[u8; 32]) -> Result<(), SecretError> {
    let failed = |error| SecretError::File {
        path: path.into(),
        error,
    };
    if path.exists() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    write_new(path, &hex::encode(key)).map_err(failed)
}

fn parse_key(path: &Path, text: &str) -> Result<[u8; 32], SecretError> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).map_err(|_| SecretError::Content {
        path: path.into(),
        expected: "64 hexadecimal digits",
    })?;
    Ok(key)
}

/// The admin token of a file: 256 bits as text, made at the first call.
pub fn read_or_make_token(path: &Path) -> Result<String, SecretError> {
    let text = read_or_make(path, || Random::system().text::<32>())?;
    check_token(path, text)
}

/// The admin token of a file; `None` when there is no such file.
pub fn read_token(path: &Path) -> Result<Option<String>, SecretError> {
    match read(path) {
        Ok(text) => check_token(path, text).map(Some),
        Err(SecretError::File { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn check_token(path: &Path, text: String) -> Result<String, SecretError> {
    if super::is_admin_token(&super::Secret(text.clone())) {
        return Ok(text);
    }
    Err(SecretError::Content {
        path: path.into(),
        expected: "a token of 16 to 256 visible characters",
    })
}

/// The text of a secret file, made at the first call.
pub fn read_or_make(path: &Path, make: impl FnOnce() -> String) -> Result<String, SecretError> {
    match read(path) {
        Err(SecretError::File { error, .. }) if error.kind() == io::ErrorKind::NotFound => {}
        done => return done,
    }
    write_new(path, &make()).map_err(|error| SecretError::File {
        path: path.into(),
        error,
    })?;
    // Whatever stands there now, ours or that of a process that was faster.
    read(path)
}

fn read(path: &Path) -> Result<String, SecretError> {
    let failed = |error| SecretError::File {
        path: path.into(),
        error,
    };
    let mode = mode(path).map_err(failed)?;
    // A group may read: secrets mounted into containers are often given to one.
    if mode & 0o037 != 0 {
        return Err(SecretError::Open {
            path: path.into(),
            mode,
        });
    }
    Ok(fs::read_to_string(path).map_err(failed)?.trim().to_string())
}

/// Writes a whole new file or none; one that exists is left alone.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    make_folder(folder)?;
    // Temporary files are made with mode 0600.
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    writeln!(file, "{text}")?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => fs::File::open(folder)?.sync_all(),
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(refused) => Err(refused.error),
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn mode(path: &Path) -> io::Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o777)
}
