//! Reading settings: a file, then the environment, then flags, the later winning.
//!
//! Every value is read on its own, so that an error can name the key, where it stands and what is allowed,
//! and so that `qunfa config` can say where each value comes from. The environment comes in as a function:
//! tests bring their own.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use confique::{
    Config, Layer,
    meta::{Expr, FieldKind, LeafKind},
};
use serde_json::{Value, json};

use super::Settings;

/// The file that is read when none is named and it exists.
pub const DEFAULT_FILE: &str = "qunfa.toml";
/// The variable that names another file.
pub const FILE_VARIABLE: &str = "QUNFA_CONFIG";

/// A value given on the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag, with its dashes.
    pub name: &'static str,
    /// What it sets, as `area.name`.
    pub key: &'static str,
    /// What was given.
    pub value: String,
}

/// Where settings are read from.
pub struct Sources<'a> {
    /// A file that must exist; `None` looks at [`FILE_VARIABLE`] and then for [`DEFAULT_FILE`].
    pub file: Option<PathBuf>,
    /// The environment; an empty value counts as absent.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The flags.
    pub flags: Vec<Flag>,
}

/// The environment of this process.
pub fn process_env(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// A variable of the environment.
    Variable(&'static str),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Variable(name) | Origin::Flag(name) => f.write_str(name),
        }
    }
}

/// Settings, and where those that are not defaults come from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// By key; what is not here has its default.
    pub origins: BTreeMap<String, Origin>,
}

/// Why settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("the settings file {} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file is no TOML.
    #[error("{}, line {line}: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// The file has a key that is none.
    #[error("{}: there is no setting {key}; known here: {known}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The keys that it may have meant.
        known: String,
    },
    /// A value is not allowed.
    #[error("{origin}: {key} cannot be {value}; allowed: {allowed}")]
    BadValue {
        /// Where it stands.
        origin: Origin,
        /// The key.
        key: String,
        /// The value; masked where it is a secret.
        value: String,
        /// What is allowed.
        allowed: String,
    },
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.area, self.name)
    }
}

/// One setting, as its struct describes it.
#[derive(Clone, Copy, Debug)]
pub struct Leaf {
    /// Its table.
    pub area: &'static str,
    /// Its name in the table.
    pub name: &'static str,
    /// Its doc comment, line by line.
    pub doc: &'static [&'static str],
    /// Its variable.
    pub variable: &'static str,
    /// Its default; `None` when it may be absent.
    pub default: Option<&'static Expr>,
}

impl Leaf {
    /// The sentence after "Allowed:" in its doc comment, without the full stop.
    pub fn allowed(&self) -> String {
        let text = self
            .doc
            .iter()
            .find_map(|line| line.trim().strip_prefix("Allowed:"));
        text.unwrap_or_default().trim().trim_end_matches('.').to_string()
    }

    fn is_secret(&self) -> bool {
        self.name.ends_with("token") || self.name.contains("secret")
    }
}

/// All settings, in the order of their structs.
pub fn leaves() -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for area in Settings::META.fields {
        let FieldKind::Nested { meta } = area.kind else {
            continue;
        };
        for field in meta.fields {
            let FieldKind::Leaf { env, ref kind } = field.kind else {
                continue;
            };
            let default = match kind {
                LeafKind::Required { default } => default.as_ref(),
                LeafKind::Optional => None,
            };
            let variable = env.unwrap_or_default();
            leaves.push(Leaf {
                area: area.name,
                name: field.name,
                doc: field.doc,
                variable,
                default,
            });
        }
    }
    leaves
}

/// Reads the settings.
pub fn load(sources: &Sources<'_>) -> Result<Loaded, SettingsError> {
    let mut reading = Reading {
        layer: Layer::empty(),
        origins: BTreeMap::new(),
    };
    let env = |name: &str| (sources.env)(name).filter(|value| !value.is_empty());
    let leaves = leaves();

    let named = sources
        .file
        .clone()
        .or_else(|| env(FILE_VARIABLE).map(PathBuf::from));
    let found = named.or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()));
    if let Some(path) = found {
        reading.file(&path, &leaves)?;
    }
    for leaf in &leaves {
        if let Some(text) = env(leaf.variable) {
            reading.take_text(leaf, &text, Origin::Variable(leaf.variable))?;
        }
    }
    for flag in &sources.flags {
        let leaf = leaves.iter().find(|leaf| leaf.to_string() == flag.key);
        let leaf = leaf.expect("a flag names a setting, as a test checks");
        reading.take_text(leaf, &flag.value, Origin::Flag(flag.name))?;
    }

    let settings = Settings::from_layer(reading.layer.with_fallback(Layer::default_values()));
    let settings = settings.expect("every setting has a default or may be absent, as a test checks");
    Ok(Loaded {
        settings,
        origins: reading.origins,
    })
}

struct Reading {
    layer: <Settings as Config>::Layer,
    origins: BTreeMap<String, Origin>,
}

impl Reading {
    fn file(&mut self, path: &Path, leaves: &[Leaf]) -> Result<(), SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|error| SettingsError::Unreadable {
            path: path.into(),
            reason: error.to_string(),
        })?;
        let tables: BTreeMap<String, Value> =
            toml::from_str(&text).map_err(|error| syntax(path, &text, &error))?;
        let unknown = |key: String, known: Vec<&str>| SettingsError::UnknownKey {
            path: path.into(),
            key,
            known: known.join(", "),
        };
        for (area, table) in &tables {
            let known: Vec<&str> = leaves
                .iter()
                .filter(|leaf| leaf.area == area)
                .map(|leaf| leaf.name)
                .collect();
            let table = match table.as_object() {
                Some(table) if !known.is_empty() => table,
                _ => {
                    let areas = Settings::META.fields.iter().map(|field| field.name);
                    return Err(unknown(area.clone(), areas.collect()));
                }
            };
            for (name, value) in table {
                let Some(leaf) = leaves.iter().find(|leaf| leaf.area == area && leaf.name == name) else {
                    return Err(unknown(format!("{area}.{name}"), known));
                };
                self.take(
                    leaf,
                    std::slice::from_ref(value),
                    &value.to_string(),
                    Origin::File(path.into()),
                )?;
            }
        }
        Ok(())
    }

    /// Takes a value that is only text: a number, a switch or a list may be meant.
    fn take_text(&mut self, leaf: &Leaf, text: &str, origin: Origin) -> Result<(), SettingsError> {
        let number = |text: &str| text.trim().parse::<u64>().ok().map(Value::from);
        let candidates = if matches!(leaf.default, Some(Expr::Array(_))) {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            vec![
                parts
                    .map(|part| number(part).unwrap_or_else(|| part.into()))
                    .collect(),
            ]
        } else {
            let switch = text.trim().parse::<bool>().ok().map(Value::from);
            [Some(Value::from(text)), number(text), switch]
                .into_iter()
                .flatten()
                .collect()
        };
        self.take(leaf, &candidates, &format!("{text:?}"), origin)
    }

    /// Takes the first of the candidates that the setting allows; later calls win.
    fn take(
        &mut self,
        leaf: &Leaf,
        candidates: &[Value],
        shown: &str,
        origin: Origin,
    ) -> Result<(), SettingsError> {
        let layer = candidates.iter().find_map(|value| {
            let tables = json!({ leaf.area: { leaf.name: value } });
            serde_json::from_value::<<Settings as Config>::Layer>(tables).ok()
        });
        let Some(layer) = layer else {
            return Err(SettingsError::BadValue {
                origin,
                key: leaf.to_string(),
                value: if leaf.is_secret() {
                    "this".into()
                } else {
                    shown.into()
                },
                allowed: leaf.allowed(),
            });
        };
        let earlier = std::mem::replace(&mut self.layer, Layer::empty());
        self.layer = layer.with_fallback(earlier);
        self.origins.insert(leaf.to_string(), origin);
        Ok(())
    }
}

fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> SettingsError {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
    let reason = error.message().lines().collect::<Vec<_>>().join(" ");
    SettingsError::Syntax {
        path: path.into(),
        line,
        reason,
    }
}
