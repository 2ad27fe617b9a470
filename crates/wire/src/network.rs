//! Addresses of the server, and the check of an account's receiver (spec accounts §2).

use serde::{Deserialize, Serialize};

use crate::field::Field;

/// The answer of `GET /cgi-bin/getcallbackip` and `get_api_domain_ip`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct IpList {
    /// Addresses, and networks as `203.0.113.0/24`.
    pub ip_list: Vec<String>,
}

/// The body of `POST /cgi-bin/callback/check`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct CallbackCheck {
    /// `dns`, `ping` or `all`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub action: Field<String>,
    /// `CHINANET`, `UNICOM`, `CAP` or `DEFAULT`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub check_operator: Field<String>,
}

/// The answer of `callback/check`; what was not asked for is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct CallbackCheckAnswer {
    /// What the name resolves to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Vec<Resolved>>,
    /// How far away that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ping: Option<Vec<Pinged>>,
}

/// One address of a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Resolved {
    /// The address.
    pub ip: String,
    /// Whose network it is in.
    pub real_operator: String,
}

/// One address of a receiver, and how quickly it took a connection.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Pinged {
    /// The address.
    pub ip: String,
    /// From whose network.
    pub from_operator: String,
    /// `0%`, or `100%` when no connection came about.
    pub package_loss: String,
    /// Such as `23.079ms`; empty when no connection came about.
    pub time: String,
}

loose_object!(CallbackCheck);
