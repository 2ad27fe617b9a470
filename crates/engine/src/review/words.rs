//! Word lists by category: the first category of which a word occurs decides.

use std::path::Path;

use aho_corasick::{AhoCorasick, MatchKind};
use async_trait::async_trait;
use domain::review::{Category, Verdict};

use super::{Reviewer, Submission};

/// Words by category, found in one pass over a text.
#[derive(Clone, Debug)]
pub struct WordLists {
    finder: AhoCorasick,
    categories: Vec<Category>,
}

/// Why word lists cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WordListsError {
    /// The text is not TOML of the form `category = ["word", …]`.
    #[error("the word lists are not TOML of the form category = [\"word\", …]: {0}")]
    Form(String),
    /// No such category.
    #[error("there is no category {name:?}; categories are {}", Category::ALL.map(Category::word).join(", "))]
    Category {
        /// What stands there.
        name: String,
    },
    /// A word without a letter.
    #[error("the list {0:?} holds an empty word")]
    EmptyWord(String),
    /// Too many words for the finder.
    #[error("the word lists are too large: {0}")]
    TooLarge(String),
    /// The file cannot be read.
    #[error("{0}")]
    File(String),
}

impl WordLists {
    /// The lists of a TOML text: `advertising = ["加微信", "大减价"]`, a key per category.
    pub fn parse(text: &str) -> Result<Self, WordListsError> {
        let table: toml::Table =
            toml::from_str(text).map_err(|error| WordListsError::Form(error.to_string()))?;
        let mut words = Vec::new();
        let mut categories = Vec::new();
        for (name, list) in table {
            let category =
                Category::from_word(&name).ok_or_else(|| WordListsError::Category { name: name.clone() })?;
            let list: Vec<String> = list
                .try_into()
                .map_err(|error: toml::de::Error| WordListsError::Form(error.to_string()))?;
            for word in list {
                if word.trim().is_empty() {
                    return Err(WordListsError::EmptyWord(name));
                }
                words.push(word.trim().to_lowercase());
                categories.push(category);
            }
        }
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .build(&words)
            .map_err(|error| WordListsError::TooLarge(error.to_string()))?;
        Ok(Self { finder, categories })
    }

    /// The lists of a file.
    pub fn read(path: &Path) -> Result<Self, WordListsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| WordListsError::File(format!("{}: {error}", path.display())))?;
        Self::parse(&text)
    }

    /// The category of the first listed word in `text`, upper and lower case alike.
    pub fn find(&self, text: &str) -> Option<Category> {
        let found = self.finder.find(&text.to_lowercase())?;
        self.categories.get(found.pattern().as_usize()).copied()
    }
}

#[async_trait]
impl Reviewer for WordLists {
    fn is_slow(&self) -> bool {
        false
    }

    async fn review(&self, submission: &Submission) -> Result<Verdict, String> {
        let found = submission.texts().into_iter().find_map(|text| {
            // A word may be broken by markup: articles are read without it as well.
            self.find(text)
                .or_else(|| self.find(&domain::article::plain_text(text)))
        });
        Ok(found.map_or(Verdict::Pass, |category| Verdict::Refuse(category.number())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s137_a_listed_word_names_its_category_in_any_case() {
        let lists =
            WordLists::parse("advertising = [\"大减价\", \"Buy Now\"]\nfraud = [\"中奖\"]\n").expect("reads");
        assert_eq!(lists.find("今天大减价"), Some(Category::Advertising));
        assert_eq!(lists.find("please BUY NOW"), Some(Category::Advertising));
        assert_eq!(lists.find("您已中奖"), Some(Category::Fraud));
        assert_eq!(lists.find("九点开门"), None);
        assert_eq!(WordLists::parse("").expect("reads").find("大减价"), None);
    }

    #[test]
    fn what_is_no_word_list_is_refused_with_its_reason() {
        for (text, reason) in [
            ("advertising = 1", "not TOML of the form"),
            ("advertising", "not TOML of the form"),
            ("adverts = [\"x\"]", "there is no category \"adverts\""),
            ("fraud = [\" \"]", "holds an empty word"),
        ] {
            let error = WordLists::parse(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
