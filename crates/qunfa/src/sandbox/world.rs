//! The made-up followers of a sandbox: what is asked for, and each of them made from a seed and a number.

use std::time::Duration;

use domain::{
    follower::NewFollower,
    id::{AccountId, Ordinal},
    time::Timestamp,
};
use futures::{StreamExt, TryStreamExt};
use serde::Deserialize;
use store::{Store, StoreResult, rows::SqlStore};

use super::dice::Dice;

/// Tags of every sandbox account, from id 100 upward, and how many followers share one.
pub(super) const TAGS: [(&str, usize); 3] = [("even", 2), ("tenth", 10), ("hundredth", 100)];
/// Followers made at a time: those of one block.
const CHUNK: usize = 65_536;
/// Chunks under way: while one is written, the next is made.
const AT_ONCE: usize = 2;

/// What a world is like. The same in all three accounts; the default is what every sandbox was from the beginning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    /// Tags beside `even`, `tenth` and `hundredth`, and the share of followers who carry each, 0 to 1.
    pub tags: Vec<(String, f64)>,
    /// Languages with weights; without any, every seventeenth follower reads `en` and all others `zh_CN`.
    pub languages: Vec<(String, f64)>,
    /// The share of followers who refuse mass sends, 0 to 1.
    pub opt_out_rate: f64,
    /// The share of followers who left before the world began, 0 to 1.
    pub unsubscribe_rate: f64,
    /// What followers do with articles.
    pub reading: Reading,
}

/// What followers do with articles that arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The share who open a news, 0 to 1.
    pub open_rate: f64,
    /// Virtual time after which half of them have.
    pub median: Duration,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            open_rate: 0.0,
            median: Duration::from_secs(3_600),
        }
    }
}

/// A world as a TOML file describes it; every key may be absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldFile {
    /// Followers of each account.
    pub followers: Option<u64>,
    /// What ids are made from.
    pub seed: Option<u64>,
    /// Tags and shares.
    #[serde(default)]
    pub tags: toml::Table,
    /// Languages and weights.
    #[serde(default)]
    pub languages: toml::Table,
    /// See [`World`].
    pub opt_out_rate: Option<f64>,
    /// See [`World`].
    pub unsubscribe_rate: Option<f64>,
    /// See [`Reading`].
    pub open_rate: Option<f64>,
    /// See [`Reading`].
    pub open_median_seconds: Option<u64>,
}

impl World {
    /// Why there is no such world, for people.
    pub fn check(&self) -> Result<(), String> {
        for (name, share) in &self.tags {
            if let Err(refusal) = domain::tag::check_name(name) {
                return Err(format!("tag {name:?}: {refusal}"));
            }
            if TAGS.iter().any(|(own, _)| own == name) {
                return Err(format!("tag {name:?} is one that every sandbox has"));
            }
            check_share(&format!("the share of tag {name:?}"), *share)?;
        }
        for (language, weight) in &self.languages {
            if !weight.is_finite() || *weight < 0.0 {
                return Err(format!(
                    "the weight of language {language:?} must not be negative"
                ));
            }
        }
        if !self.languages.is_empty() && total_weight(&self.languages) <= 0.0 {
            return Err("one language must have a weight".into());
        }
        check_share("the opt-out rate", self.opt_out_rate)?;
        check_share("the unsubscribe rate", self.unsubscribe_rate)?;
        check_share("the open rate", self.reading.open_rate)
    }
}

fn check_share(name: &str, share: f64) -> Result<(), String> {
    match (0.0..=1.0).contains(&share) {
        true => Ok(()),
        false => Err(format!("{name} must be from 0 to 1")),
    }
}

fn total_weight(weights: &[(String, f64)]) -> f64 {
    weights.iter().map(|(_, weight)| weight).sum()
}

/// Makes the followers of a world.
#[derive(Clone, Debug)]
pub(super) struct People {
    tags: Vec<(String, f64, Dice)>,
    languages: Vec<(String, f64)>,
    language: Dice,
    opts_out: (f64, Dice),
    leaves: (f64, Dice),
}

impl People {
    /// The people of this world.
    pub(super) fn of(world: &World, seed: u64) -> Self {
        let tag = |(name, share): &(String, f64)| {
            let dice = Dice::new(seed, &format!("tag {name}"));
            (name.clone(), *share, dice)
        };
        Self {
            tags: world.tags.iter().map(tag).collect(),
            languages: world.languages.clone(),
            language: Dice::new(seed, "language"),
            opts_out: (world.opt_out_rate, Dice::new(seed, "opt-out")),
            leaves: (world.unsubscribe_rate, Dice::new(seed, "unsubscribe")),
        }
    }

    /// The names of all tags, in the order of their ids.
    pub(super) fn tag_names(&self) -> impl Iterator<Item = &str> {
        let own = TAGS.iter().map(|(name, _)| *name);
        own.chain(self.tags.iter().map(|(name, ..)| name.as_str()))
    }

    /// Makes `count` followers of a new account; `progress` is told after every chunk how many it had.
    pub(super) async fn move_in(
        &self,
        store: (&dyn Store, &SqlStore),
        account: AccountId,
        count: usize,
        now: Timestamp,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> StoreResult<()> {
        let chunks = (0..count).step_by(CHUNK);
        let chunks = chunks.map(|first| self.move_in_chunk(store, account, (first, count), now));
        futures::stream::iter(chunks)
            .buffered(AT_ONCE)
            .try_for_each(async |made| {
                progress(made as u64);
                Ok(())
            })
            .await
    }

    async fn move_in_chunk(
        &self,
        (store, rows): (&dyn Store, &SqlStore),
        account: AccountId,
        (first, count): (usize, usize),
        now: Timestamp,
    ) -> StoreResult<usize> {
        let numbers = first..count.min(first + CHUNK);
        let people = numbers.clone().map(|number| self.follower(number)).collect();
        store.import_followers(account, people, now).await?;
        // The account is new, so the follower's number is its ordinal.
        let of = |(share, dice): (f64, Dice)| -> Vec<Ordinal> {
            let hit = numbers
                .clone()
                .filter(|number| dice.of(*number as u64).hits(share));
            hit.filter_map(|number| u32::try_from(number).ok().map(Ordinal))
                .collect()
        };
        let (opted_out, left) = (of(self.opts_out), of(self.leaves));
        if !opted_out.is_empty() || !left.is_empty() {
            rows.set_apart(account, opted_out, left, now).await?;
        }
        Ok(numbers.len())
    }

    /// The follower with this number, the same in every sandbox of this world.
    fn follower(&self, number: usize) -> NewFollower {
        let (share, dice) = self.leaves;
        let tags = match dice.of(number as u64).hits(share) {
            true => Vec::new(),
            false => self.tags(number),
        };
        NewFollower {
            external_id: format!("user-{number:09}"),
            nickname: Some(nickname(number)),
            remark: None,
            language: Some(self.language(number).to_owned()),
            tags,
            subscribed_at: None,
        }
    }

    fn tags(&self, number: usize) -> Vec<String> {
        let own = TAGS.iter().filter(|(_, share)| number.is_multiple_of(*share));
        let others = self
            .tags
            .iter()
            .filter(|(_, share, dice)| dice.of(number as u64).hits(*share));
        own.map(|(name, _)| (*name).to_owned())
            .chain(others.map(|(name, ..)| name.clone()))
            .collect()
    }

    fn language(&self, number: usize) -> &str {
        let mut left = self.language.of(number as u64).share() * total_weight(&self.languages);
        for (language, weight) in &self.languages {
            left -= weight;
            if left < 0.0 {
                return language;
            }
        }
        match self.languages.last() {
            Some((language, _)) => language,
            None if number.is_multiple_of(17) => "en",
            None => "zh_CN",
        }
    }
}

const SURNAMES: [&str; 24] = [
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "林", "郭",
    "何", "高", "罗", "郑", "梁", "谢", "欧阳",
];
const GIVEN: [&str; 40] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超",
    "秀英", "霞", "平", "刚", "桂英", "文静", "子涵", "雨桐", "浩然", "欣怡", "思远", "嘉怡", "俊熙", "梓萱",
    "一诺", "宇轩", "诗涵", "博文", "晓彤", "建国", "海燕", "春梅", "志远",
];

fn nickname(number: usize) -> String {
    // Two steps that share no factor with the lists' lengths walk through all pairs.
    let surname = SURNAMES[(number * 7 + number / 24) % SURNAMES.len()];
    let given = GIVEN[(number * 11 + number / 40) % GIVEN.len()];
    format!("{surname}{given}")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    fn people(world: &World) -> People {
        People::of(world, 1)
    }

    #[test]
    fn nicknames_are_many() {
        let names: HashSet<String> = (0..5_000).map(nickname).collect();
        assert!(names.len() > 500, "{}", names.len());
    }

    #[test]
    fn tags_are_on_every_second_tenth_and_hundredth() {
        let people = people(&World::default());
        assert_eq!(people.follower(0).tags, ["even", "tenth", "hundredth"]);
        assert_eq!(people.follower(1).tags, [""; 0]);
        assert_eq!(people.follower(10).tags, ["even", "tenth"]);
        assert_eq!(people.follower(12).tags, ["even"]);
        assert_eq!(people.follower(17).language.as_deref(), Some("en"));
        assert_eq!(people.follower(18).language.as_deref(), Some("zh_CN"));
    }

    #[test]
    fn tags_and_languages_are_as_frequent_as_asked_for() {
        let people = people(&World {
            tags: vec![("vip".into(), 0.05), ("city".into(), 0.3)],
            languages: vec![("zh_CN".into(), 3.0), ("ja".into(), 1.0)],
            ..World::default()
        });
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for follower in (0..20_000).map(|number| people.follower(number)) {
            for name in follower.tags.into_iter().chain(follower.language) {
                *found.entry(name).or_default() += 1;
            }
        }
        let close = |name: &str, expected: usize| {
            let found = found.get(name).copied().unwrap_or_default();
            assert!(found.abs_diff(expected) < 300, "{name}: {found}");
        };
        close("vip", 1_000);
        close("city", 6_000);
        close("ja", 5_000);
        close("zh_CN", 15_000);
        close("even", 10_000);
    }

    #[test]
    fn impossible_worlds_are_refused() {
        let check = |world: World| world.check().expect_err("refused");
        check(World {
            tags: vec![("vip".into(), 1.5)],
            ..World::default()
        });
        check(World {
            tags: vec![("even".into(), 0.5)],
            ..World::default()
        });
        check(World {
            tags: vec![(String::new(), 0.5)],
            ..World::default()
        });
        check(World {
            languages: vec![("en".into(), 0.0)],
            ..World::default()
        });
        check(World {
            opt_out_rate: -0.1,
            ..World::default()
        });
        check(World {
            unsubscribe_rate: f64::NAN,
            ..World::default()
        });
    }
}
