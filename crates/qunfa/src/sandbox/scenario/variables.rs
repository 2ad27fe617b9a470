//! `${name}`: values of earlier answers, and what is known of the accounts.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::{file::AccountName, steps::Broken};

/// What `${…}` may name.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    saved: HashMap<String, Value>,
    open_ids: HashMap<AccountName, Vec<String>>,
}

impl Variables {
    /// Remembers a value under a name; a later one goes before an earlier one.
    pub fn set(&mut self, name: &str, value: Value) {
        self.saved.insert(name.to_owned(), value);
    }

    /// Remembers who the followers are, by number.
    pub fn set_open_ids(&mut self, account: AccountName, open_ids: Vec<String>) {
        self.open_ids.insert(account, open_ids);
    }

    /// The OpenID of a follower by number.
    pub fn open_id(&self, account: AccountName, number: usize) -> Result<&str, Broken> {
        let known = self.open_ids.get(&account);
        let open_id = known.and_then(|known| known.get(number));
        open_id.map(String::as_str).ok_or_else(|| {
            let known = known.map_or(0, Vec::len);
            Broken(format!(
                "{} has no follower {number}: numbers go from 0, and the first {known} can be named",
                account.word()
            ))
        })
    }

    /// Remembers the values of `found` that `save` names.
    pub fn save(&mut self, save: &BTreeMap<String, String>, found: &Value) -> Result<(), Broken> {
        for (name, pointer) in save {
            let value = found.pointer(pointer).ok_or_else(|| {
                Broken(format!(
                    "save {name}: nothing is at {pointer} of {}",
                    shorten(found)
                ))
            })?;
            self.set(name, value.clone());
        }
        Ok(())
    }

    /// The value with every `${name}` replaced; a text that is nothing else becomes what the name stands for.
    pub fn fill(&self, value: &Value) -> Result<Value, Broken> {
        Ok(match value {
            Value::String(text) => self.fill_whole(text)?,
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.fill(item))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(entries) => {
                let mut filled = Map::new();
                for (key, value) in entries {
                    filled.insert(key.clone(), self.fill(value)?);
                }
                Value::Object(filled)
            }
            other => other.clone(),
        })
    }

    /// The text with every `${name}` replaced.
    pub fn fill_text(&self, text: &str) -> Result<String, Broken> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) = after
                .split_once('}')
                .ok_or_else(|| Broken(format!("${{ without }} in {text}")))?;
            filled.push_str(before);
            match self.value(name)? {
                Value::String(text) => filled.push_str(&text),
                other => filled.push_str(&other.to_string()),
            }
            rest = behind;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn fill_whole(&self, text: &str) -> Result<Value, Broken> {
        let whole = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
        match whole.filter(|name| !name.contains('}')) {
            Some(name) => self.value(name),
            None => self.fill_text(text).map(Value::String),
        }
    }

    fn value(&self, name: &str) -> Result<Value, Broken> {
        if let Some(value) = self.saved.get(name) {
            return Ok(value.clone());
        }
        let known = |account: &AccountName| name.strip_prefix(account.word())?.strip_prefix('.');
        for account in AccountName::ALL {
            let Some(of) = known(&account) else { continue };
            match of.split_once('.') {
                None if of == "appid" => return Ok(account.app_id().into()),
                None if of == "secret" => return Ok(account.secret().into()),
                Some(("openid", number)) => {
                    if let Ok(number) = number.parse() {
                        return self.open_id(account, number).map(Value::from);
                    }
                }
                _ => {}
            }
        }
        Err(Broken(format!(
            "${{{name}}} is not known: nothing was saved under this name before"
        )))
    }
}

/// A value in one line, not too long for a report.
pub fn shorten(value: &Value) -> String {
    const LETTERS: usize = 300;
    let text = value.to_string();
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_alone_keeps_its_type_and_in_a_text_it_is_text() {
        let mut variables = Variables::default();
        variables.set("id", json!(3_147_483_649_i64));
        variables.set_open_ids(AccountName::Service, vec!["oA".into(), "oB".into()]);
        let filled = variables.fill(&json!({
            "msg_id": "${id}", "text": "第${id}条，${service.appid}", "touser": ["${service.openid.1}"], "n": 1
        }));
        assert_eq!(
            filled.expect("all names are known"),
            json!({"msg_id": 3_147_483_649_i64, "text": "第3147483649条，wx0000000000000001", "touser": ["oB"], "n": 1})
        );
        for unknown in ["${other}", "${service.openid.2}", "${service.password}", "${id"] {
            assert!(variables.fill(&json!(unknown)).is_err(), "{unknown}");
        }
    }
}
