//! The settings of a node among others: what it does, whom it tells, where the bytes lie.

use confique::Config;
use serde::{Deserialize, Serialize};
use store::blob::Bucket;

use super::{Secret, is_http_url};

/// `[node]`
#[derive(Clone, Debug, PartialEq, Config, Serialize)]
pub struct NodeArea {
    /// What this node does: answer the accounts' calls, do the background work, answer followers (inboxes, pages,
    /// pictures). Every role must be some node's; a server alone has all.
    /// Allowed: a list of "api", "worker" and "live", not empty.
    #[config(
        default = ["api", "worker", "live"],
        env = "QUNFA_NODE_ROLES",
        validate(!roles.is_empty(), "no role")
    )]
    pub roles: Vec<Role>,
    /// What this node is called in logs and in the rows of what it works on. Left out, a random name is made at
    /// each start.
    /// Allowed: 1 to 64 letters, digits, `-`, `_` and `.`.
    #[config(env = "QUNFA_NODE_NAME", validate(is_name(name), "no name"))]
    pub name: Option<String>,
}

/// `[cluster]`
#[derive(Clone, Debug, PartialEq, Config, Serialize)]
pub struct ClusterArea {
    /// What the nodes on one database have in common; clusters with different names can share NATS servers.
    /// Allowed: 1 to 64 letters, digits, `-` and `_`.
    #[config(
        default = "qunfa",
        env = "QUNFA_CLUSTER_NAME",
        validate(is_name(name) && !name.contains('.'), "no name")
    )]
    pub name: String,
    /// The NATS servers over which nodes wake each other. They carry hints only: without them everything works,
    /// a few seconds later.
    /// Allowed: a list of URLs, such as ["nats://a:4222", "tls://b:4222"].
    #[config(
        default = [],
        env = "QUNFA_CLUSTER_NATS",
        validate(nats.iter().all(is_nats_url), "no NATS URL")
    )]
    pub nats: Vec<String>,
}

/// `[blobs]`
#[derive(Clone, Debug, PartialEq, Config, Serialize)]
pub struct BlobsArea {
    /// The bucket in which uploads lie, and what the names of its objects begin with. Left out, uploads are files
    /// in the data folder; several nodes need a bucket.
    /// Allowed: a URL such as `s3://bucket` or `s3://bucket/prefix`.
    #[config(env = "QUNFA_BLOBS_URL", validate(bucket_of(url).is_some(), "no bucket"))]
    pub url: Option<String>,
    /// The address of the S3-compatible service. Left out, it is Amazon's in the region.
    /// Allowed: an http or https URL.
    #[config(env = "QUNFA_BLOBS_ENDPOINT", validate(is_http_url(endpoint), "no http URL"))]
    pub endpoint: Option<String>,
    /// The region of the bucket.
    /// Allowed: a name such as us-east-1.
    #[config(
        default = "us-east-1",
        env = "QUNFA_BLOBS_REGION",
        validate(is_name(region), "no region")
    )]
    pub region: String,
    /// Who asks. Left out, the machine's own role is used, on Amazon's machines.
    /// Allowed: a text.
    #[config(env = "QUNFA_BLOBS_ACCESS_KEY_ID")]
    pub access_key_id: Option<String>,
    /// The secret that belongs to the access key id.
    /// Allowed: a text.
    #[config(env = "QUNFA_BLOBS_SECRET_ACCESS_KEY")]
    pub secret_access_key: Option<Secret>,
    /// Whether the endpoint may be plain http.
    /// Allowed: true or false.
    #[config(default = false, env = "QUNFA_BLOBS_ALLOW_HTTP")]
    pub allow_http: bool,
    /// Whether an upload is sent with `If-None-Match: *`; off is for services that refuse it.
    /// Allowed: true or false.
    #[config(default = true, env = "QUNFA_BLOBS_CONDITIONAL_PUT")]
    pub conditional_put: bool,
}

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Answers accounts.
    Api,
    /// Works.
    Worker,
    /// Answers followers.
    Live,
}

impl From<Role> for server::role::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Api => server::role::Role::Api,
            Role::Worker => server::role::Role::Worker,
            Role::Live => server::role::Role::Live,
        }
    }
}

impl NodeArea {
    /// The roles that are named, each once, in their order.
    pub fn roles(&self) -> Vec<server::role::Role> {
        let named = |role: &server::role::Role| {
            self.roles
                .iter()
                .any(|named| server::role::Role::from(*named) == *role)
        };
        server::role::Role::ALL.into_iter().filter(named).collect()
    }
}

impl BlobsArea {
    /// The bucket; `None` when uploads are files.
    pub fn bucket(&self) -> Option<Bucket> {
        let (name, prefix) = bucket_of(self.url.as_ref()?)?;
        let secret = self.secret_access_key.as_ref().map(|secret| secret.0.clone());
        Some(Bucket {
            name,
            prefix,
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            credentials: self.access_key_id.clone().zip(secret),
            allow_http: self.allow_http,
            conditional_put: self.conditional_put,
        })
    }
}

/// The bucket and the prefix of `s3://bucket/prefix`.
fn bucket_of(url: &String) -> Option<(String, String)> {
    let url = url::Url::parse(url).ok()?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let bucket = url
        .host_str()
        .filter(|_| url.scheme() == "s3" && plain && url.port().is_none())?;
    Some((bucket.to_owned(), url.path().trim_matches('/').to_owned()))
}

fn is_nats_url(text: &String) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "nats" | "tls") && url.host().is_some())
}

fn is_name(text: &String) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
