//! 审核: what a reviewer may find in a mass before it goes out (spec events §4.3).

/// Why a mass is refused by a review, by the platform's categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// 涉嫌广告.
    Advertising,
    /// 涉嫌政治.
    Politics,
    /// 涉嫌色情.
    Pornography,
    /// 涉嫌社会.
    Society,
    /// 涉嫌违法犯罪.
    Crime,
    /// 涉嫌欺诈.
    Fraud,
    /// 涉嫌版权.
    Copyright,
    /// 涉嫌其他; what a review finds and names no category for.
    Other,
    /// 涉嫌互推.
    MutualPromotion,
}

impl Category {
    /// All, in the order of their numbers.
    pub const ALL: [Category; 9] = [
        Category::Advertising,
        Category::Politics,
        Category::Pornography,
        Category::Society,
        Category::Crime,
        Category::Fraud,
        Category::Copyright,
        Category::Other,
        Category::MutualPromotion,
    ];

    /// The number in `err(…)`.
    pub fn number(self) -> u32 {
        match self {
            Category::Advertising => 10_001,
            Category::Politics => 20_001,
            Category::Pornography => 20_002,
            Category::Society => 20_004,
            Category::Crime => 20_006,
            Category::Fraud => 20_008,
            Category::Copyright => 20_013,
            Category::Other => 21_000,
            Category::MutualPromotion => 22_000,
        }
    }

    /// The word in word lists and in answers of a review webhook.
    pub fn word(self) -> &'static str {
        match self {
            Category::Advertising => "advertising",
            Category::Politics => "politics",
            Category::Pornography => "pornography",
            Category::Society => "society",
            Category::Crime => "crime",
            Category::Fraud => "fraud",
            Category::Copyright => "copyright",
            Category::Other => "other",
            Category::MutualPromotion => "mutual_promotion",
        }
    }

    /// The category that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.word() == word)
    }

    /// The category with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.number() == number)
    }
}

/// What a review says of a mass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may go out.
    Pass,
    /// It may not: `err(number)`. The number is a [`Category`]'s, or that of a later check.
    Refuse(u32),
    /// It cannot go out for a technical reason: `send fail`.
    Fail,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s138_every_category_has_its_number_and_its_word() {
        let numbers: Vec<u32> = Category::ALL.iter().map(|category| category.number()).collect();
        assert_eq!(
            numbers,
            [10001, 20001, 20002, 20004, 20006, 20008, 20013, 21000, 22000]
        );
        for category in Category::ALL {
            assert_eq!(Category::from_word(category.word()), Some(category));
            assert_eq!(Category::from_number(category.number()), Some(category));
        }
        assert_eq!(Category::from_number(1), None);
    }
}
