//! Who follows, carries tags, is blacklisted, refuses.

use std::collections::BTreeSet;

use domain::{
    id::{Ordinal, TagId},
    tag::TagRefusal,
};

use super::{Account, Answer, Person};

/// The starred preset: everybody can carry it, nobody can delete it.
pub const STARRED: i64 = 2;

impl Person {
    pub fn new(people: u64, first_ordinal: u32) -> Self {
        Self {
            people,
            first_ordinal,
            follows: true,
            tags: BTreeSet::new(),
            blacklisted: false,
            opted_out: false,
            opted_out_of: BTreeSet::new(),
            entries: Vec::new(),
        }
    }
}

impl Account {
    pub fn tag_exists(&self, tag: i64) -> bool {
        tag == STARRED || self.tags.contains(&tag)
    }

    fn come(&mut self, name: u8) -> (usize, bool) {
        if let Some(known) = self.names.get(&name) {
            return (*known, false);
        }
        self.persons.push(Person::new(1, self.next_ordinal()));
        self.names.insert(name, self.persons.len() - 1);
        (self.persons.len() - 1, true)
    }

    pub fn subscribe(&mut self, name: u8) -> Answer {
        let (at, first_time) = self.come(name);
        self.persons[at].follows = true;
        Answer::Subscribed {
            ordinal: Ordinal(self.persons[at].first_ordinal),
            first_time,
        }
    }

    /// The tags of a row are put on; nothing is taken off.
    pub fn import(&mut self, rows: &[(u8, Option<i64>)]) -> Answer {
        let (mut imported, mut updated) = (0, 0);
        for (name, tag) in rows {
            let (at, first_time) = self.come(*name);
            imported += u64::from(first_time);
            updated += u64::from(!first_time);
            self.persons[at].follows = true;
            self.persons[at].tags.extend(tag);
        }
        Answer::Imported { imported, updated }
    }

    /// Who leaves carries no tag any more; blacklist and refusals stay.
    pub fn unsubscribe(&mut self, ordinal: u32) -> Answer {
        let Some(person) = self.person(ordinal) else {
            return Answer::Known(false);
        };
        person.follows = false;
        person.tags.clear();
        Answer::Known(true)
    }

    pub fn subscribe_again(&mut self, ordinal: u32) -> Answer {
        let Some(person) = self.person(ordinal) else {
            return Answer::Known(false);
        };
        person.follows = true;
        Answer::Known(true)
    }

    /// All of them or none.
    pub fn tag(&mut self, tag: i64, ordinals: &BTreeSet<u32>, put_on: bool) -> Answer {
        if !self.tag_exists(tag) {
            return Answer::Tagged(Err(TagRefusal::Unknown));
        }
        if ordinals
            .iter()
            .any(|ordinal| self.person(*ordinal).is_none_or(|person| !person.follows))
        {
            return Answer::Tagged(Err(TagRefusal::NotFollowing));
        }
        for ordinal in ordinals {
            let Some(person) = self.person(*ordinal) else {
                continue;
            };
            if put_on {
                person.tags.insert(tag);
            } else {
                person.tags.remove(&tag);
            }
        }
        Answer::Tagged(Ok(()))
    }

    pub fn new_tag(&mut self) -> Answer {
        let tag = self.next_tag;
        self.next_tag += 1;
        self.tags.insert(tag);
        Answer::NewTag(Ok(TagId(tag)))
    }

    /// A deleted tag is on nobody, and nobody refuses it any more.
    pub fn delete_tag(&mut self, tag: i64) -> Answer {
        if tag < *super::FIRST_TAGS.start() {
            return Answer::Tagged(Err(TagRefusal::Preset));
        }
        if !self.tags.remove(&tag) {
            return Answer::Tagged(Err(TagRefusal::Unknown));
        }
        for person in &mut self.persons {
            person.tags.remove(&tag);
            person.opted_out_of.remove(&tag);
        }
        Answer::Tagged(Ok(()))
    }

    pub fn blacklist(&mut self, ordinals: &BTreeSet<u32>, on: bool) -> Answer {
        for ordinal in ordinals {
            if let Some(person) = self.person(*ordinal) {
                person.blacklisted = on;
            }
        }
        Answer::Done
    }

    pub fn opt_out(&mut self, ordinal: u32, tag: Option<i64>, on: bool) -> Answer {
        let Some(person) = self.person(ordinal) else {
            return Answer::Known(false);
        };
        match tag {
            None => person.opted_out = on,
            Some(tag) if on => _ = person.opted_out_of.insert(tag),
            Some(tag) => _ = person.opted_out_of.remove(&tag),
        }
        Answer::Known(true)
    }
}
