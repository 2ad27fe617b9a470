//! What a command reports when it cannot do its work: one line, often a hint, and an exit status.

use crate::{
    admin::AdminError,
    cli::output::safe,
    settings::{load::SettingsError, secret::SecretError},
};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All done: 0.
    Done,
    /// Done in part, or refused: 1.
    Refused,
    /// Nothing could be done: 2.
    Failed,
}

impl Status {
    /// The exit status of the process.
    pub fn code(self) -> u8 {
        match self {
            Status::Done => 0,
            Status::Refused => 1,
            Status::Failed => 2,
        }
    }
}

/// Why a command ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliError {
    /// What happened, in one line.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The exit status.
    pub status: Status,
}

impl CliError {
    /// Nothing could be done.
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            status: Status::Failed,
        }
    }

    /// The server understood and refused.
    pub fn refused(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            status: Status::Refused,
        }
    }

    /// The same with advice.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl std::fmt::Display for CliError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error: {}", safe(&self.message))?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {}", safe(hint)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CliError {}

impl From<AdminError> for CliError {
    fn from(error: AdminError) -> Self {
        let message = error.to_string();
        match error {
            AdminError::NoServer { .. } => CliError::failed(message).hint(
                "start one with `qunfa serve` (or `qunfa sandbox` to try things out), or name another with --server URL",
            ),
            AdminError::Token { .. } => CliError::failed(message).hint(
                "give it with --admin-token or QUNFA_ADMIN_TOKEN; a server keeps its own in admin.token of its data \
                 folder, a sandbox's is `sandbox`",
            ),
            AdminError::Answer { .. } => {
                CliError::failed(message).hint("is this the address and port of qunfa? name it with --server URL")
            }
            AdminError::Refused { .. } => CliError::refused(message),
            AdminError::Address(_) | AdminError::Connection { .. } => CliError::failed(message),
        }
    }
}

impl From<SettingsError> for CliError {
    fn from(error: SettingsError) -> Self {
        CliError::failed(error.to_string())
            .hint("`qunfa config --sample` prints every setting with its default")
    }
}

impl From<SecretError> for CliError {
    fn from(error: SecretError) -> Self {
        CliError::failed(error.to_string())
    }
}
