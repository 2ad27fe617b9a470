//! What can happen, and how often.

use std::collections::BTreeSet;

use domain::{
    id::{MassId, ScheduleId},
    speed::SpeedLevel,
    time::{Timestamp, parse_rfc3339},
};
use proptest::{collection::btree_set, option, prelude::*, sample::select};

use crate::reference::{Account, Content, FIRST_MASS, FIRST_TAGS, Rules, STARRED, World};
use crate::stores::keeps_leases;

/// Whom a send is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum To {
    All,
    Tag(i64),
    /// Ordinals, and how many entries that were nobody.
    List(BTreeSet<u32>, u32),
}

/// A mass send as asked for.
#[derive(Clone, Debug)]
pub struct Send {
    pub to: To,
    pub content: Content,
    pub key: Option<u8>,
}

/// What can happen to one account.
#[derive(Clone, Debug)]
pub enum What {
    Subscribe(u8),
    /// External ids, each with a tag or none.
    Import(Vec<(u8, Option<i64>)>),
    SubscribeAgain(u32),
    Unsubscribe(u32),
    Tag(i64, BTreeSet<u32>, bool),
    NewTag,
    DeleteTag(i64),
    Blacklist(BTreeSet<u32>, bool),
    OptOut(u32, Option<i64>, bool),
    /// Through the API, with followers a minute.
    Call(Send, Option<u32>),
    /// From the operator's site.
    Site(Send, Option<u32>),
    Preview(u32, u8),
    /// In so many seconds.
    Schedule(Send, i64),
    Cancel(ScheduleId),
    Speed(SpeedLevel, Option<u32>),
    Confirm(MassId, Option<u32>),
    Refuse(MassId),
    Recall(MassId),
    Delete(MassId, u8),
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Step {
    Of(usize, What),
    /// By so many milliseconds; backwards too.
    Advance(i64),
    /// To so many milliseconds before the next day.
    Midnight(i64),
    /// To so many milliseconds before the next month.
    MonthEnd(i64),
    /// One turn of one of two engines over the same store.
    Turn(u8),
    /// A third worker takes batches and falls asleep.
    Lease(usize, MassId, usize),
    /// It wakes up and writes one of the leases that it has, if it may.
    Resume(usize),
    Restart,
}

/// The world before the first step: two accounts, one of them with a crowd.
pub fn worlds() -> impl Strategy<Value = World> {
    let starts = select(vec![
        "2028-02-28T23:59:30+08:00",
        "2028-02-29T23:58:00+08:00",
        "2027-02-28T23:59:59+08:00",
        "2026-12-31T23:50:00+08:00",
        "2026-11-22T10:00:00+08:00",
    ]);
    (starts, rules(), rules())
        .prop_map(|(start, first, second)| World::new([first, second], instant(start), keeps_leases()))
}

fn instant(text: &str) -> Timestamp {
    parse_rfc3339(text).expect("an instant")
}

fn rules() -> impl Strategy<Value = Rules> {
    let few = |numbers: Vec<u32>| prop_oneof![3 => Just(None), 1 => select(numbers).prop_map(Some)];
    let quota = (
        few(vec![1, 2, 3]),
        few(vec![3, 6]),
        option::weighted(0.8, select(vec![0_u8, 1, 2, 4, 7])),
        few(vec![1, 2]),
        few(vec![1, 2, 4]),
        few(vec![2, 5]),
    );
    (quota, proptest::bool::weighted(0.25), any::<bool>()).prop_map(|(quota, protect, repeat_check)| {
        let (
            sends_per_day,
            calls_per_day,
            receipts_per_month,
            history_per_day,
            history_per_month,
            calls_per_minute,
        ) = quota;
        Rules {
            sends_per_day,
            calls_per_day,
            receipts_per_month,
            history_per_day,
            history_per_month,
            calls_per_minute,
            protect,
            repeat_check,
        }
    })
}

/// What may happen next in this world.
pub fn steps(world: &World) -> BoxedStrategy<Step> {
    let of = |number: usize| whats(&world.accounts[number]).prop_map(move |what| Step::Of(number, what));
    let masses = |number: usize| mass(&world.accounts[number]).prop_map(move |mass| (number, mass));
    let some_mass = prop_oneof![3 => masses(0), 1 => masses(1)];
    prop_oneof![
        20 => of(0),
        10 => of(1),
        10 => (0..2_u8).prop_map(Step::Turn),
        3 => select(vec![1, 50, 999, 10_000, 31_000, 60_000, 600_000, 1_801_000, 3_600_000, 86_400_000, 259_200_000])
            .prop_map(Step::Advance),
        1 => select(vec![-1, -1_000, -60_000, -3_600_000, -86_400_000]).prop_map(Step::Advance),
        1 => select(vec![1_000, 1, 0]).prop_map(Step::Midnight),
        1 => select(vec![1_000, 1, 0]).prop_map(Step::MonthEnd),
        3 => (some_mass, 1..=2_usize).prop_map(|((account, mass), limit)| Step::Lease(account, mass, limit)),
        2 => (0..4_usize).prop_map(Step::Resume),
        1 => proptest::bool::weighted(0.3).prop_map(|restart| if restart { Step::Restart } else { Step::Turn(0) }),
    ]
    .boxed()
}

/// Whether a step makes sense in this world: an import names tags that exist, a blacklist followers that do.
pub fn makes_sense(world: &World, step: &Step) -> bool {
    let Step::Of(number, what) = step else { return true };
    let account = &world.accounts[*number];
    match what {
        What::Import(rows) => rows
            .iter()
            .flat_map(|(_, tag)| tag)
            .all(|tag| account.tag_exists(*tag)),
        What::Blacklist(ordinals, _) => ordinals.iter().all(|ordinal| *ordinal < account.next_ordinal()),
        _ => true,
    }
}

/// A mass of the account, now and then one that does not exist.
fn mass(account: &Account) -> impl Strategy<Value = MassId> + use<> {
    (FIRST_MASS..=account.next_mass).prop_map(MassId)
}

fn whats(account: &Account) -> BoxedStrategy<What> {
    let name = 0..10_u8;
    let (first, next) = (account.first_ordinal(), account.next_ordinal());
    let tag = prop_oneof![4 => FIRST_TAGS, 1 => Just(2), 1 => 100..=account.next_tag].boxed();
    let known: Vec<i64> = account.tags.iter().copied().chain([STARRED]).collect();
    let coming = prop_oneof![
        3 => name.clone().prop_map(What::Subscribe),
        1 => proptest::collection::vec((name, option::of(select(known))), 1..5)
            .prop_map(|rows| What::Import(each_name_once(rows))),
    ];
    let sending = prop_oneof![
        6 => (send(account), pace()).prop_map(|(send, pace)| What::Call(send, pace)),
        1 => (send(account), pace()).prop_map(|(send, pace)| What::Site(send, pace)),
        1 => (send(account), select(vec![1, 30, 3_600, 86_400])).prop_map(|(send, after)| What::Schedule(send, after)),
        1 => (1..=account.schedules.len() as i64 + 1).prop_map(|id| What::Cancel(ScheduleId(id))),
        1 => (0..=4_i64).prop_map(|level| {
            let level = SpeedLevel::new(level).expect("0 to 4 are levels");
            What::Speed(level, Some(level.per_minute()))
        }),
        2 => (mass(account), pace()).prop_map(|(mass, pace)| What::Confirm(mass, pace)),
        1 => mass(account).prop_map(What::Refuse),
        2 => mass(account).prop_map(What::Recall),
        2 => (mass(account), 0..=3_u8).prop_map(|(mass, index)| What::Delete(mass, index)),
    ];
    if first == next {
        return prop_oneof![4 => coming, 1 => sending].boxed();
    }
    let one = first..next;
    let some = btree_set(one.clone(), 1..4);
    let changing = prop_oneof![
        2 => one.clone().prop_map(What::Unsubscribe),
        1 => one.clone().prop_map(What::SubscribeAgain),
        4 => (tag.clone(), some.clone(), proptest::bool::weighted(0.75)).prop_map(|(tag, who, on)| What::Tag(tag, who, on)),
        1 => (some, any::<bool>()).prop_map(|(who, on)| What::Blacklist(who, on)),
        1 => (one.clone(), option::of(FIRST_TAGS), any::<bool>()).prop_map(|(who, tag, on)| What::OptOut(who, tag, on)),
        1 => prop_oneof![Just(What::NewTag), tag.prop_map(What::DeleteTag)],
        1 => (one, 0..3_u8).prop_map(|(who, text)| What::Preview(who, text)),
    ];
    prop_oneof![3 => coming, 4 => changing, 5 => sending].boxed()
}

fn each_name_once(rows: Vec<(u8, Option<i64>)>) -> Vec<(u8, Option<i64>)> {
    let mut seen = BTreeSet::new();
    rows.into_iter().filter(|(name, _)| seen.insert(*name)).collect()
}

fn send(account: &Account) -> impl Strategy<Value = Send> + use<> {
    let ordinals = account.first_ordinal()..account.next_ordinal() + 2;
    let to = prop_oneof![
        3 => Just(To::All),
        4 => FIRST_TAGS.prop_map(To::Tag),
        1 => select(vec![0, 1, 2, 102, 103]).prop_map(To::Tag),
        4 => (btree_set(ordinals, 0..8), 0..3_u32).prop_map(|(ordinals, strangers)| To::List(ordinals, strangers)),
    ];
    let content = prop_oneof![4 => (0..3_u8).prop_map(Content::Text), 1 => Just(Content::News)];
    (to, content, option::weighted(0.3, 0..3_u8)).prop_map(|(to, content, key)| Send { to, content, key })
}

/// Without limit, so slow that the second block waits, or as the document has it.
fn pace() -> impl Strategy<Value = Option<u32>> {
    select(vec![None, None, Some(100_000), Some(800_000), Some(1)])
}
