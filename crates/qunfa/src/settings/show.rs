//! Printing settings: what is in force, a sample file, and the reference of `docs/config.md`.

use std::fmt::Write;

use confique::{Config, toml::FormatOptions};
use serde_json::Value;

use super::{
    Settings,
    load::{DEFAULT_FILE, FILE_VARIABLE, Leaf, Loaded, leaves},
};

/// The settings in force as TOML, each with where it comes from; secrets are masked.
pub fn effective(loaded: &Loaded) -> String {
    let values = serde_json::to_value(&loaded.settings).unwrap_or_default();
    let mut out = String::new();
    let mut area = "";
    for leaf in leaves() {
        if leaf.area != area {
            let gap = if area.is_empty() { "" } else { "\n" };
            area = leaf.area;
            out.push_str(&format!("{gap}[{area}]\n"));
        }
        let origin = loaded.origins.get(&leaf.to_string());
        let origin = origin.map_or("default".to_string(), |origin| origin.to_string());
        let line = match &values[leaf.area][leaf.name] {
            Value::Null => format!("# {} =", leaf.name),
            value => format!("{} = {}", leaf.name, toml_value(value)),
        };
        out.push_str(&format!("{line:<48} # {origin}\n"));
    }
    out
}

/// A commented file with every setting and its default.
pub fn sample() -> String {
    let text = confique::toml::template::<Settings>(FormatOptions::default());
    // The description of the root struct is for readers of the code.
    let body = text.split_once("\n\n").map_or(text.as_str(), |(_, body)| body);
    format!(
        "# Settings of qunfa. Every line is commented out and shows the default.\n\
         # Read from ./{DEFAULT_FILE}, or from the file that --config or {FILE_VARIABLE} names.\n\n{body}"
    )
}

/// The Markdown of `docs/config.md`.
pub fn reference() -> String {
    let mut out = format!(
        "<!-- Made by `qunfa config --reference`; a test keeps it up to date. -->\n\
         # Settings\n\n\
         `qunfa serve` needs no settings. Each can be given in a TOML file, in the environment and, for some, as a\n\
         flag of `qunfa serve`; of these three the later one wins. The file is the one that `--config` or\n\
         `{FILE_VARIABLE}` names, else `{DEFAULT_FILE}` in the current folder if there is one. Lists in a variable are\n\
         separated by commas; an empty variable counts as absent.\n\n\
         `qunfa config` prints the settings in force and where each comes from, `qunfa config --sample` a file to\n\
         begin with.\n"
    );
    for area in Settings::META.fields {
        let _ = write!(out, "\n## `[{}]`\n\n{}\n", area.name, area.doc.join("\n").trim());
        for leaf in leaves().iter().filter(|leaf| leaf.area == area.name) {
            out.push_str(&entry(leaf));
        }
    }
    out
}

fn entry(leaf: &Leaf) -> String {
    let text: Vec<&str> = leaf
        .doc
        .iter()
        .map(|line| line.trim())
        .filter(|line| !line.starts_with("Allowed:"))
        .collect();
    let default = leaf
        .default
        .and_then(|default| serde_json::to_value(default).ok());
    let default = default.map_or("none".to_string(), |value| format!("`{}`", toml_value(&value)));
    let flag = FLAGS.iter().find(|(_, key)| *key == leaf.to_string());
    let flag = flag.map_or(String::new(), |(flag, _)| format!("\n- flag: `{flag}`"));
    format!(
        "\n### `{leaf}`\n\n{}\n\n- default: {default}\n- allowed: {}\n- variable: `{}`{flag}\n",
        text.join("\n"),
        leaf.allowed(),
        leaf.variable,
    )
}

/// The flags of `qunfa serve` and what they set.
pub const FLAGS: [(&str, &str); 4] = [
    ("--listen", "server.listen"),
    ("--public-url", "server.public_url"),
    ("--data", "store.data"),
    ("--roles", "node.roles"),
];

/// A value as TOML writes it; JSON's texts and numbers are TOML's too.
fn toml_value(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(toml_value).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}
