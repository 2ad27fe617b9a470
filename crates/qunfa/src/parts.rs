//! What this node is made of, as `/readyz` lists it. A further part is one more line here.

use std::sync::Arc;

use async_trait::async_trait;
use engine::Engine;
use server::health::{BlobsPart, BusPart, ClockPart, Fault, Health, Part, StorePart};
use store::{Store, blob::Blobs, bus::Bus, clock::Clock};

/// The background work.
struct EnginePart(Arc<Engine>);

#[async_trait]
impl Part for EnginePart {
    fn name(&self) -> &'static str {
        "engine"
    }

    async fn check(&self) -> Result<(), Fault> {
        self.0.pulse().check().map_err(|sick| Fault {
            reason: "does not work",
            cause: sick.to_string(),
        })
    }
}

/// The parts of a node; `engine` where it is a worker.
pub fn health(
    store: &Arc<dyn Store>,
    blobs: &Blobs,
    engine: Option<&Arc<Engine>>,
    clock: &Arc<dyn Clock>,
    bus: &Bus,
) -> Arc<Health> {
    let mut parts: Vec<Box<dyn Part>> = vec![
        Box::new(StorePart(store.clone())),
        Box::new(BlobsPart(blobs.clone())),
        Box::new(ClockPart(clock.clone())),
    ];
    // On other nodes nobody listens for wake-ups either.
    if let Some(engine) = engine {
        parts.push(Box::new(EnginePart(engine.clone())));
        parts.push(Box::new(BusPart(bus.clone())));
    }
    Arc::new(Health::new(parts))
}
