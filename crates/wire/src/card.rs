//! Cards: made, so that they can be sent.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::field::Field;

/// The body of `POST /card/create`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Create {
    /// The card.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub card: Field<NewCard>,
}

/// A card: its kind, and an object named like the kind in lower case that holds the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct NewCard {
    /// `GROUPON`, `CASH`, `DISCOUNT`, `GIFT`, `GENERAL_COUPON`, …
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub card_type: Field<String>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl NewCard {
    /// `base_info.title` of the card's object.
    pub fn title(&self) -> Option<String> {
        let kind = self.card_type.clone().present()?.to_ascii_lowercase();
        let title = self.rest.get(&kind)?.get("base_info")?.get("title")?;
        title.as_str().map(str::to_owned)
    }
}

/// The answer of `card/create`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Created {
    /// Always 0.
    pub errcode: i64,
    /// Always `ok`.
    pub errmsg: String,
    /// The new card.
    pub card_id: String,
}

impl Created {
    /// The answer for this card.
    pub fn new(card_id: String) -> Self {
        Self {
            errcode: 0,
            errmsg: "ok".to_owned(),
            card_id,
        }
    }
}

loose_object!(Create, NewCard);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_stands_in_the_object_of_the_cards_kind() {
        let body = r#"{"card":{"card_type":"GROUPON","groupon":{"base_info":{"title":"双人套餐"},"deal_detail":"x"}}}"#;
        let request: Create = crate::body::read(body.as_bytes()).expect("an object");
        let card = request.card.present().expect("a card");
        assert_eq!(card.title().as_deref(), Some("双人套餐"));
        for body in [
            &br#"{"card":{}}"#[..],
            br#"{"card":{"card_type":"CASH","groupon":{"base_info":{"title":"x"}}}}"#,
            br#"{"card":{"card_type":"CASH","cash":{"base_info":{"title":1}}}}"#,
        ] {
            let request: Create = crate::body::read(body).expect("an object");
            assert_eq!(request.card.present().and_then(|card| card.title()), None);
        }
    }
}
