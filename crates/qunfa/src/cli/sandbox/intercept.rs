//! `qunfa sandbox --intercept`.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

/// Answering in the place of WeChat's hosts.
#[derive(Clone, Debug, Args)]
pub struct InterceptArgs {
    /// Answer for api, file.api and mp.weixin.qq.com at this address, as an HTTPS proxy and by direct TLS
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1, default_missing_value = "127.0.0.1:8081")]
    pub intercept: Option<SocketAddr>,
    /// A second address for the same, for instance 127.0.0.1:443 beside entries in the hosts file
    #[arg(long, value_name = "ADDRESS:PORT", requires = "intercept")]
    pub intercept_tls: Option<SocketAddr>,
    /// Keep the local CA in this folder; without it, each start makes one that is never written down
    #[arg(long, value_name = "DIR", requires = "intercept")]
    pub intercept_ca: Option<PathBuf>,
}
