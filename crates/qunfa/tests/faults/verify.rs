//! What must hold after every fault, seen from outside: nothing answered is lost, nobody has anything twice, the
//! counts are the same wherever they are told, the quota is what was accepted.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use reqwest::Method;
use serde_json::Value;

use crate::{
    process::Client,
    world::{Account, Asked, Purpose, STEADY, WIDE, Whom, World, log_in},
};

/// Hundreds of sends that were under way come to their end within this time on a busy machine; the wide ones last up to
/// four seconds each.
const SETTLES: Duration = Duration::from_secs(90);
/// An event whose try was cut off is tried again after 15 seconds.
const TOLD: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);

impl World {
    /// Repeats what was not answered, and waits until everything has come to its end.
    pub async fn settle(&self, client: &Client) {
        let mut tokens = Vec::new();
        for account in &self.accounts {
            tokens.push(log_in(client, account).await.expect("a token"));
        }
        let (unasked, recalls, deletes, imports) = {
            let mut asks = self.asks();
            asks.tokens = tokens;
            let unasked: Vec<usize> = places(&asks.sent, |sent| sent.id.is_none());
            let recalls = places(&asks.sent, |sent| sent.recalled == Asked::Perhaps);
            let deletes = places(&asks.sent, |sent| sent.deleted == Asked::Perhaps);
            let imports = places(&asks.imports, |(_, _, answered)| !answered);
            (unasked, recalls, deletes, imports)
        };
        for place in unasked {
            self.ask_for(client, place).await.expect("an answer");
        }
        for place in recalls {
            self.recall(client, place).await.expect("an answer");
        }
        for place in imports {
            self.import_again(client, place).await.expect("an answer");
        }
        self.wait_for_the_end(client).await;
        for place in deletes {
            self.delete(client, place).await.expect("an answer");
        }
    }

    /// Waits until no mass runs and no schedule waits.
    async fn wait_for_the_end(&self, client: &Client) {
        let waiting = async {
            for account in &self.accounts {
                loop {
                    // In this order: a schedule that is no longer waiting stands among the masses.
                    let schedules = all(client, account, "schedules").await;
                    let masses = all(client, account, "masses").await;
                    let runs = masses.iter().any(|mass| mass["finished_at"].is_null());
                    if !runs && !schedules.iter().any(|schedule| schedule["state"] == "waiting") {
                        break;
                    }
                    tokio::time::sleep(POLL).await;
                }
            }
        };
        if tokio::time::timeout(SETTLES, waiting).await.is_ok() {
            return;
        }
        for account in &self.accounts {
            let mut rows = all(client, account, "masses").await;
            rows.retain(|mass| mass["finished_at"].is_null());
            let schedules = all(client, account, "schedules").await;
            rows.extend(
                schedules
                    .into_iter()
                    .filter(|schedule| schedule["state"] == "waiting"),
            );
            assert!(
                rows.is_empty(),
                "i01: {} do not come to their end, among them {}",
                rows.len(),
                rows.first().unwrap_or(&Value::Null)
            );
        }
    }

    /// Everything, except that events may still be on their way. Returns how many entries were seen.
    pub async fn verify(&self, client: &Client) -> usize {
        let mut entries = 0;
        for (index, account) in self.accounts.iter().enumerate() {
            match account.purpose {
                Purpose::Bulk => self.verify_imports(client, account).await,
                _ => entries += self.verify_account(client, index, account).await,
            }
        }
        entries
    }

    async fn verify_imports(&self, client: &Client, account: &Account) {
        let expected = self
            .asks()
            .imports
            .iter()
            .map(|(_, end, _)| *end)
            .max()
            .unwrap_or_default();
        let path = format!("/v1/accounts/{}/followers?limit=1", account.app_id);
        let page = client.must(Method::GET, &path, None).await;
        assert_eq!(
            page["total"], expected,
            "an import that was repeated is there once"
        );
    }

    async fn verify_account(&self, client: &Client, index: usize, account: &Account) -> usize {
        let masses = by_id(all(client, account, "masses").await);
        self.verify_ledger(client, index, account, &masses).await;
        self.verify_events(client, account, &masses).await;
        let mut inboxes = Vec::new();
        for reader in &account.readers {
            inboxes.push(client.entries(&reader.token).await.expect("an inbox"));
        }
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for (place, inbox) in inboxes.iter().enumerate() {
            let mut seen = BTreeSet::new();
            for entry in inbox {
                let id = entry["msg_id"].as_i64().expect("a msg_id");
                assert!(
                    seen.insert(id),
                    "i02: reader {place} of {:?} has {id} twice",
                    account.purpose
                );
                if entry["preview"] != true {
                    *counts.entry(id).or_default() += 1;
                }
            }
        }
        self.verify_entries(index, account, &masses, &inboxes, &counts);
        inboxes.iter().map(Vec::len).sum()
    }

    /// The list of masses is what was accepted, no more and no less, and each row is sound.
    async fn verify_ledger(&self, client: &Client, index: usize, account: &Account, masses: &Masses) {
        let schedules = all(client, account, "schedules").await;
        let scheduled: Vec<i64> = schedules
            .iter()
            .filter_map(|schedule| schedule["msg_id"].as_i64())
            .collect();
        assert_eq!(
            scheduled.len(),
            schedules.len(),
            "every schedule was sent: {schedules:?}"
        );
        let (sent, planned) = {
            let asks = self.asks();
            let mut refused = Vec::new();
            if account.purpose == Purpose::Refused {
                refused = asks.refused.clone();
            }
            let sent: Vec<i64> = asks
                .sent
                .iter()
                .filter(|sent| sent.account == index)
                .map(|sent| sent.id.expect("settled"))
                .chain(refused)
                .collect();
            let planned: Vec<Option<i64>> = asks
                .schedules
                .iter()
                .filter(|(of, _)| *of == index)
                .map(|(_, id)| *id)
                .collect();
            (sent, planned)
        };
        let listed: BTreeSet<i64> = schedules
            .iter()
            .filter_map(|schedule| schedule["schedule_id"].as_i64())
            .collect();
        for id in planned.iter().flatten().filter(|id| **id != 0) {
            assert!(listed.contains(id), "i01: schedule {id} was answered and is lost");
        }
        assert!(
            listed.len() <= planned.len(),
            "more schedules than were asked for"
        );
        let mut known: BTreeSet<i64> = scheduled.into_iter().collect();
        for id in sent {
            assert!(known.insert(id), "i10: two sends have the number {id}");
            assert!(masses.contains_key(&id), "i01: {id} was answered and is lost");
        }
        // What reviewers refuse keeps no key: a repeat of a call without answer is another send.
        if account.purpose != Purpose::Refused {
            let more: Vec<&i64> = masses.keys().filter(|id| !known.contains(id)).collect();
            assert!(
                more.is_empty(),
                "i10: nobody asked for {more:?} or it was accepted twice"
            );
        }
        for (id, mass) in masses {
            let count = |name: &str| mass[name].as_u64().expect("a count");
            assert!(
                mass["batches_left"] == 0 && mass["state"] != "sending",
                "i01: {mass}"
            );
            assert_eq!(
                count("filter_count"),
                count("sent_count") + count("error_count"),
                "i04: {id} {mass}"
            );
        }
        self.verify_usage(client, account, masses).await;
    }

    /// The day's slots are those of what was accepted today and not given back (I12).
    async fn verify_usage(&self, client: &Client, account: &Account, masses: &Masses) {
        let usage = client
            .must(
                Method::GET,
                &format!("/v1/accounts/{}/usage", account.app_id),
                None,
            )
            .await;
        let today = &usage["at"].as_str().expect("an instant")[..10];
        let holds = |mass: &&Value| {
            let given_back = mass["state"] == "refused"
                || mass["state"] == "failed"
                || (mass["state"] == "recalled" && mass["sent_count"] == 0);
            mass["origin"] == "api"
                && mass["accepted_at"]
                    .as_str()
                    .is_some_and(|at| at.starts_with(today))
                && !given_back
        };
        let expected = masses.values().filter(holds).count();
        assert_eq!(
            usage["sends_today"], expected,
            "i12: {:?} {usage}",
            account.purpose
        );
    }

    /// One finish event for every mass, and none besides (I19).
    async fn verify_events(&self, client: &Client, account: &Account, masses: &Masses) {
        let mut ended: HashMap<i64, usize> = HashMap::new();
        for event in all(client, account, "events").await {
            if event["event"] == "MASSSENDJOBFINISH" {
                *ended
                    .entry(event["msg_id"].as_i64().expect("a msg_id"))
                    .or_default() += 1;
            }
        }
        for id in masses.keys() {
            assert_eq!(ended.remove(id), Some(1), "i19: one event for {id}");
        }
        assert!(ended.is_empty(), "i19: events of what was never sent: {ended:?}");
    }

    /// Everybody has what was sent to them (I2, I3), and the inboxes sum up to the counts (I4, I11).
    fn verify_entries(
        &self,
        index: usize,
        account: &Account,
        masses: &Masses,
        inboxes: &[Vec<Value>],
        counts: &BTreeMap<i64, usize>,
    ) {
        let has = |place: usize, id: i64| inboxes[place].iter().any(|entry| entry["msg_id"] == id);
        let steady = if account.purpose == Purpose::Wide {
            account.readers.len()
        } else {
            STEADY
        };
        let asks = self.asks();
        for sent in asks.sent.iter().filter(|sent| sent.account == index) {
            let id = sent.id.expect("settled");
            let mass = &masses[&id];
            if sent.recalled == Asked::Yes {
                assert_eq!(counts.get(&id), None, "i15: {id} was recalled");
                continue;
            }
            let state = if sent.deleted == Asked::Yes {
                "deleted"
            } else {
                "succeeded"
            };
            assert_eq!(mass["state"], state, "{id} {mass}");
            if account.purpose == Purpose::Wide {
                assert_eq!(
                    (&mass["total_count"], &mass["sent_count"]),
                    (&WIDE.into(), &WIDE.into()),
                    "i03: {mass}"
                );
            } else {
                assert_eq!(
                    mass["sent_count"],
                    counts.get(&id).copied().unwrap_or_default(),
                    "i04: {id} {mass}"
                );
            }
            let whom: Vec<usize> = match &sent.whom {
                Whom::All => (0..steady).collect(),
                Whom::Readers(places) => {
                    assert_eq!(mass["total_count"], places.len(), "i05: {mass}");
                    places.clone()
                }
            };
            if account.purpose != Purpose::Limited {
                let without: Vec<&usize> = whom.iter().filter(|place| !has(**place, id)).collect();
                assert!(without.is_empty(), "i03: {id} did not reach {without:?}");
            }
        }
        for (account, place, id) in &asks.previews {
            assert!(
                *account != index || has(*place, *id),
                "the preview {id} was answered and is lost"
            );
        }
        if account.purpose == Purpose::Limited {
            for (place, inbox) in inboxes.iter().enumerate() {
                assert_eq!(inbox.len(), masses.len().min(4), "i11: reader {place}");
            }
        }
    }

    /// Waits until every event was answered, and compares what the receiver was told.
    pub async fn verify_told(&self, client: &Client) {
        let told = async {
            for account in &self.accounts {
                while all(client, account, "events")
                    .await
                    .iter()
                    .any(|event| event["state"] == "pending")
                {
                    tokio::time::sleep(POLL).await;
                }
            }
        };
        assert!(
            tokio::time::timeout(TOLD, told).await.is_ok(),
            "i19: an event is not told"
        );
        for (index, account) in self.accounts.iter().enumerate() {
            for (id, mass) in by_id(all(client, account, "masses").await) {
                let tries = self.receiver.told(index, id);
                let first = tries
                    .first()
                    .unwrap_or_else(|| panic!("i19: nobody was told of {id}"));
                assert!(
                    tries.iter().all(|event| event == first),
                    "i19: repeats differ: {tries:?}"
                );
                let told = [first.total, first.filtered, first.sent, first.error];
                let listed = ["total_count", "filter_count", "sent_count", "error_count"]
                    .map(|name| mass[name].as_i64().expect("a count"));
                assert_eq!(told, listed, "i04: {id}");
            }
        }
    }
}

type Masses = BTreeMap<i64, Value>;

fn by_id(masses: Vec<Value>) -> Masses {
    masses
        .into_iter()
        .map(|mass| (mass["msg_id"].as_i64().expect("a msg_id"), mass))
        .collect()
}

fn places<T>(items: &[T], which: impl Fn(&T) -> bool) -> Vec<usize> {
    (0..items.len()).filter(|place| which(&items[*place])).collect()
}

/// All rows of a list of the native API.
pub async fn all(client: &Client, account: &Account, list: &str) -> Vec<Value> {
    let (mut rows, mut before) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/accounts/{}/{list}?limit=100{before}", account.app_id);
        let page = client.must(Method::GET, &path, None).await;
        rows.extend(page[list].as_array().expect("rows").iter().cloned());
        match page["next"].as_i64() {
            Some(next) => before = format!("&before={next}"),
            None => return rows,
        }
    }
}
