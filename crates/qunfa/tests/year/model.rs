//! What must come of a year, counted without the server: one number per follower, a list per day.

use serde_json::{Value, json};

/// Receipts of a follower of a service account in a calendar month (S7).
pub const RECEIPTS_PER_MONTH: u8 = 4;
/// Sends of a service account to everybody that enter the history in a month (S24).
pub const HISTORY_PER_MONTH: u32 = 4;

/// Who a day's send is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Everybody,
    /// Every so many followers, by the tags of every sandbox.
    Every(usize),
    /// These followers.
    Named(&'static [usize]),
}

/// What the end of a send must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub total: i64,
    pub filtered: i64,
    pub sent: i64,
}

impl Audience {
    /// Whether a follower is meant.
    pub fn has(self, follower: usize) -> bool {
        match self {
            Audience::Everybody => true,
            Audience::Every(share) => follower.is_multiple_of(share),
            Audience::Named(named) => named.contains(&follower),
        }
    }

    /// Path and audience of the call.
    pub fn call(self, open_ids: &[String]) -> (&'static str, Value) {
        let all = "/cgi-bin/message/mass/sendall";
        match self {
            Audience::Everybody => (all, json!({"filter": {"is_to_all": true}})),
            Audience::Every(share) => {
                let tag = [(2, 100), (10, 101), (100, 102)];
                let (_, tag) = tag.iter().find(|(every, _)| *every == share).expect("a tag");
                (all, json!({"filter": {"is_to_all": false, "tag_id": tag}}))
            }
            Audience::Named(named) => {
                let named: Vec<&String> = named.iter().map(|number| &open_ids[*number]).collect();
                ("/cgi-bin/message/mass/send", json!({ "touser": named }))
            }
        }
    }
}

/// The followers of one account.
#[derive(Debug)]
pub struct Followers {
    /// Receipts of this month.
    receipts: Vec<u8>,
    limit: Option<u8>,
    watched: Vec<usize>,
    /// What the watched ones have, oldest first.
    pub inboxes: Vec<Vec<String>>,
}

impl Followers {
    pub fn new(count: usize, limit: Option<u8>, watched: &[usize]) -> Self {
        Self {
            receipts: vec![0; count],
            limit,
            watched: watched.to_vec(),
            inboxes: vec![Vec::new(); watched.len()],
        }
    }

    /// A calendar month begins.
    pub fn begin_month(&mut self) {
        self.receipts.fill(0);
    }

    /// A send goes out.
    pub fn send(&mut self, audience: Audience, text: &str) -> Counts {
        let (mut total, mut sent) = (0, 0);
        for (follower, receipts) in self.receipts.iter_mut().enumerate() {
            if !audience.has(follower) {
                continue;
            }
            total += 1;
            if self.limit.is_some_and(|limit| *receipts >= limit) {
                continue;
            }
            *receipts = receipts.saturating_add(1);
            sent += 1;
            if let Some(place) = self.watched.iter().position(|watched| *watched == follower) {
                self.inboxes[place].push(text.to_owned());
            }
        }
        Counts {
            total,
            filtered: sent,
            sent,
        }
    }
}

/// Days of each month of 2027.
pub const MONTHS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Month and day of every day of 2027, from 1.
pub fn days() -> impl Iterator<Item = (usize, u32)> {
    (1..)
        .zip(MONTHS)
        .flat_map(|(month, days)| (1..=days).map(move |day| (month, day)))
}
