//! How many connections and files the system grants this process at a time.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Asks for as many descriptors as this process may have: a system's usual 1,024 are few for readers who are online.
/// Returns how many there are; `None` for no limit.
pub fn raise() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    let before = limit.current;
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the number of open files stays limited");
        return before;
    }
    limit.current
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_limit_is_as_high_as_it_may_be() {
        let raised = super::raise();
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        assert_eq!(raised, limit.maximum);
        assert_eq!(limit.current, limit.maximum);
    }
}
