//! What may be found, and how it is told in English and in Chinese.

use std::fmt;

use crate::id::{AccountId, BlobId, BlockNo, MassId, NewsId, Ordinal, Sequence};

/// One difference between the rows and a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whose rows; `None` for what belongs to the whole installation.
    pub account: Option<AccountId>,
    /// The mass, where it is one mass's.
    pub mass: Option<MassId>,
    /// The block, where it is one block's.
    pub block: Option<BlockNo>,
    /// What is wrong.
    pub what: What,
}

/// A number of a mass that must be the sum of rows (I4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Entries created.
    Delivered,
    /// Filtered: had received the month's quota.
    OverQuota,
    /// Filtered: blacklisted.
    Blacklisted,
    /// Filtered: refused.
    OptedOut,
    /// Failed: left since.
    Left,
    /// Failed: never released.
    Failed,
    /// The frozen audience.
    Total,
}

/// Where bytes lie that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the tables'")]
pub enum Table {
    Batch,
    Delivery,
    BlockSet,
    Mass,
    FrozenNews,
}

/// Which number of the usage (I12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// Q1.
    SendsOfDay,
    /// Q4.
    HistoryOfDay,
    /// Q5.
    HistoryOfMonth,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the texts below say it")]
pub enum What {
    // I2
    ReleasedTwice,
    ReleasedAndWaiting,
    // I3
    TwoOutcomes {
        followers: u32,
    },
    LeftInBatch,
    NotEverybody {
        audience: u64,
        found: u64,
    },
    BatchOrder {
        before: u64,
        found: u64,
    },
    NoSuchMass,
    DeliveredAndUndelivered,
    // I4
    RowCount {
        number: Number,
        column: u64,
        bits: u64,
    },
    Total {
        number: Number,
        column: u64,
        rows: u64,
    },
    Preview,
    // I19
    FinishEvents {
        expected: u64,
        found: u64,
    },
    // I6
    ContentMissing {
        news: NewsId,
    },
    // I8
    SequenceTwice {
        sequence: Sequence,
    },
    HeadBehind {
        next: i64,
        last: Sequence,
    },
    TimeFell {
        sequence: Sequence,
    },
    WrongMonth {
        sequence: Sequence,
    },
    SequencesMissing {
        missing: i64,
        explained: i64,
    },
    // I11
    OverQuota {
        sequence: Sequence,
        followers: u32,
        quota: u8,
    },
    // I12
    UsageMissing,
    Used {
        used: Used,
        row: u64,
        masses: u64,
    },
    TooMany {
        used: Used,
        masses: u64,
        limit: u32,
    },
    // structure
    SetCount {
        kind: i64,
        id: i64,
        column: u64,
        bits: u64,
    },
    TaggedStranger {
        tag: i64,
        followers: u32,
    },
    Nobody {
        followers: u32,
    },
    SameOrdinal {
        ordinal: Ordinal,
    },
    NoRow {
        followers: u32,
    },
    OrdinalBeyond {
        ordinal: Ordinal,
        next: i64,
    },
    Unreadable {
        table: Table,
    },
    BlobUnknown {
        blob: BlobId,
    },
    BlobMissing {
        blob: BlobId,
    },
    BlobDamaged {
        blob: BlobId,
    },
    Database {
        message: String,
    },
}

impl What {
    /// The same with the place where it is.
    pub fn at(
        self,
        account: impl Into<Option<AccountId>>,
        mass: impl Into<Option<MassId>>,
        block: impl Into<Option<BlockNo>>,
    ) -> Finding {
        Finding {
            account: account.into(),
            mass: mass.into(),
            block: block.into(),
            what: self,
        }
    }

    /// The promise that is broken; `structure` for what several of them rest on.
    pub fn invariant(&self) -> &'static str {
        match self {
            What::ReleasedTwice | What::ReleasedAndWaiting => "I2",
            What::TwoOutcomes { .. }
            | What::LeftInBatch
            | What::NotEverybody { .. }
            | What::BatchOrder { .. }
            | What::NoSuchMass
            | What::DeliveredAndUndelivered => "I3",
            What::RowCount { .. } | What::Total { .. } | What::Preview => "I4",
            What::ContentMissing { .. } => "I6",
            What::SequenceTwice { .. }
            | What::HeadBehind { .. }
            | What::TimeFell { .. }
            | What::WrongMonth { .. }
            | What::SequencesMissing { .. } => "I8",
            What::OverQuota { .. } => "I11",
            What::UsageMissing | What::Used { .. } | What::TooMany { .. } => "I12",
            What::FinishEvents { .. } => "I19",
            _ => "structure",
        }
    }

    /// What is wrong, in English.
    pub fn english(&self) -> String {
        match self {
            What::ReleasedTwice => "the block was released twice".into(),
            What::ReleasedAndWaiting => "the block is released and waits to be released".into(),
            What::TwoOutcomes { followers } => format!("{followers} followers have two outcomes"),
            What::LeftInBatch => "the mass send has ended and the block was never released".into(),
            What::NotEverybody { audience, found } => {
                format!("the audience is {audience} followers, outcomes and batches hold {found}")
            }
            What::BatchOrder { before, found } => {
                format!("{before} followers should stand before this batch, there are {found}")
            }
            What::NoSuchMass => "rows of a mass send that does not exist".into(),
            What::DeliveredAndUndelivered => {
                "the mass send ended before its first delivery and has deliveries".into()
            }
            What::RowCount { number, column, bits } => {
                format!(
                    "{}: the delivery says {column}, its set holds {bits}",
                    number.english()
                )
            }
            What::Total { number, column, rows } => {
                format!(
                    "{}: the mass send says {column}, its rows say {rows}",
                    number.english()
                )
            }
            What::Preview => "a preview has not exactly one delivery to one follower".into(),
            What::FinishEvents { expected, found } => {
                format!("{found} finish events where there should be {expected}")
            }
            What::ContentMissing { news } => format!("its articles ({news}) are gone"),
            What::SequenceTwice { sequence } => format!("sequence number {sequence} is not above the last"),
            What::HeadBehind { next, last } => {
                format!("the next sequence number is {next}, but {last} is taken")
            }
            What::TimeFell { sequence } => format!("delivery {sequence} is older than the one before"),
            What::WrongMonth { sequence } => {
                format!("delivery {sequence} counts in another month than its own")
            }
            What::SequencesMissing { missing, explained } => format!(
                "{missing} deliveries are gone, {explained} of them cleared away as old previews or by retention"
            ),
            What::OverQuota {
                sequence,
                followers,
                quota,
            } => {
                format!(
                    "delivery {sequence} went to {followers} followers who had {quota} this month already"
                )
            }
            What::Used { used, row, masses } => {
                format!("{}: {row} are noted, {masses} mass sends stand", used.english())
            }
            What::TooMany { used, masses, limit } => {
                format!("{}: {masses} mass sends, {limit} are allowed", used.english())
            }
            What::UsageMissing => "what was used is not noted, or older than a mass send".into(),
            What::SetCount {
                kind,
                id,
                column,
                bits,
            } => {
                format!("set {kind}/{id} says {column} followers and holds {bits}")
            }
            What::TaggedStranger { tag, followers } => {
                format!("{followers} followers carry tag {tag} and do not follow")
            }
            What::Nobody { followers } => format!("the sets hold {followers} followers who do not exist"),
            What::SameOrdinal { ordinal } => format!("two external ids are follower {ordinal}"),
            What::NoRow { followers } => format!("{followers} followers have an external id and no row"),
            What::OrdinalBeyond { ordinal, next } => {
                format!("follower {ordinal} exists, and the next new one would be {next}")
            }
            What::Unreadable { table } => format!("a row of {} cannot be read", table.name()),
            What::BlobUnknown { blob } => format!("bytes {blob} are used and not kept"),
            What::BlobMissing { blob } => format!("the file of bytes {blob} is missing"),
            What::BlobDamaged { blob } => format!("the file of bytes {blob} is damaged"),
            What::Database { message } => format!("the database file is damaged: {message}"),
        }
    }

    /// What is wrong, in Chinese.
    pub fn chinese(&self) -> String {
        match self {
            What::ReleasedTwice => "该块被放行了两次".into(),
            What::ReleasedAndWaiting => "该块已放行，却仍在等待放行".into(),
            What::TwoOutcomes { followers } => format!("{followers} 个粉丝有两个结果"),
            What::LeftInBatch => "群发已结束，该块却从未放行".into(),
            What::NotEverybody { audience, found } => {
                format!("群发对象为 {audience} 人，结果与批次合计 {found} 人")
            }
            What::BatchOrder { before, found } => format!("该批之前应有 {before} 人，实有 {found} 人"),
            What::NoSuchMass => "存在不属于任何群发的行".into(),
            What::DeliveredAndUndelivered => "群发在首次投递前已结束，却有投递".into(),
            What::RowCount { number, column, bits } => {
                format!("{}：投递行记为 {column}，集合中为 {bits}", number.chinese())
            }
            What::Total { number, column, rows } => {
                format!("{}：群发记为 {column}，各行合计 {rows}", number.chinese())
            }
            What::Preview => "预览应恰有一次对一个粉丝的投递".into(),
            What::FinishEvents { expected, found } => format!("结束事件应为 {expected} 个，实有 {found} 个"),
            What::ContentMissing { news } => format!("其图文（{news}）已丢失"),
            What::SequenceTwice { sequence } => format!("序号 {sequence} 不大于前一个"),
            What::HeadBehind { next, last } => format!("下一个序号为 {next}，但 {last} 已被使用"),
            What::TimeFell { sequence } => format!("投递 {sequence} 早于前一个投递"),
            What::WrongMonth { sequence } => format!("投递 {sequence} 计入了错误的月份"),
            What::SequencesMissing { missing, explained } => {
                format!("缺少 {missing} 个投递，其中 {explained} 个是过期预览或按保留期清理")
            }
            What::OverQuota {
                sequence,
                followers,
                quota,
            } => {
                format!("投递 {sequence} 发给了 {followers} 个本月已收到 {quota} 条的粉丝")
            }
            What::Used { used, row, masses } => {
                format!("{}：记为 {row}，实有 {masses} 次群发", used.chinese())
            }
            What::TooMany { used, masses, limit } => {
                format!("{}：{masses} 次群发，上限 {limit}", used.chinese())
            }
            What::UsageMissing => "用量未记录，或早于某次群发".into(),
            What::SetCount {
                kind,
                id,
                column,
                bits,
            } => {
                format!("集合 {kind}/{id} 记为 {column} 人，实有 {bits} 人")
            }
            What::TaggedStranger { tag, followers } => format!("{followers} 人带有标签 {tag} 却未关注"),
            What::Nobody { followers } => format!("集合中有 {followers} 个不存在的粉丝"),
            What::SameOrdinal { ordinal } => format!("两个外部用户号指向同一粉丝 {ordinal}"),
            What::NoRow { followers } => format!("{followers} 个粉丝有外部用户号却没有资料行"),
            What::OrdinalBeyond { ordinal, next } => {
                format!("粉丝 {ordinal} 已存在，而下一个新序号为 {next}")
            }
            What::Unreadable { table } => format!("{} 中有一行无法读取", table.name()),
            What::BlobUnknown { blob } => format!("文件 {blob} 被引用却未登记"),
            What::BlobMissing { blob } => format!("文件 {blob} 不存在"),
            What::BlobDamaged { blob } => format!("文件 {blob} 已损坏"),
            What::Database { message } => format!("数据库文件已损坏：{message}"),
        }
    }
}

impl Number {
    fn english(self) -> &'static str {
        match self {
            Number::Delivered => "delivered",
            Number::OverQuota => "over the month's quota",
            Number::Blacklisted => "blacklisted",
            Number::OptedOut => "opted out",
            Number::Left => "left since",
            Number::Failed => "never released",
            Number::Total => "audience",
        }
    }

    fn chinese(self) -> &'static str {
        match self {
            Number::Delivered => "已投递",
            Number::OverQuota => "超出月配额",
            Number::Blacklisted => "黑名单",
            Number::OptedOut => "拒收",
            Number::Left => "已取消关注",
            Number::Failed => "未放行",
            Number::Total => "群发对象",
        }
    }
}

impl Used {
    fn english(self) -> &'static str {
        match self {
            Used::SendsOfDay => "mass sends of the day",
            Used::HistoryOfDay => "sends of the day that enter the history",
            Used::HistoryOfMonth => "sends of the month that enter the history",
        }
    }

    fn chinese(self) -> &'static str {
        match self {
            Used::SendsOfDay => "当日群发",
            Used::HistoryOfDay => "当日进入历史消息的群发",
            Used::HistoryOfMonth => "当月进入历史消息的群发",
        }
    }
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Table::Batch => "batch",
            Table::Delivery => "delivery",
            Table::BlockSet => "block_set",
            Table::Mass => "mass",
            Table::FrozenNews => "frozen_news",
        }
    }
}

impl Finding {
    /// Where it is, such as `account 1, mass 1000000001, block 3`.
    pub fn place(&self) -> String {
        let parts = [
            self.account.map(|account| format!("account {account}")),
            self.mass.map(|mass| format!("mass {mass}")),
            self.block.map(|block| format!("block {block}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} [{}] {}",
            self.what.invariant(),
            self.place(),
            self.what.english()
        )
    }
}
