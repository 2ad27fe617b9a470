//! Store and engine against a small reference model: random steps, after every step the numbers are compared, at
//! the end of a run every inbox, event and schedule.
//!
//! `QUNFA_MODEL_RUNS` and `QUNFA_MODEL_STEPS` say how much (400 runs of 50 steps, 60 on PostgreSQL), `QUNFA_MODEL_SEED` which:
//! equal seeds make equal runs. A failure is shrunk to the fewest steps that show it.

mod compare;
mod reference;
mod seen;
mod step;
mod stores;
mod system;

use std::{cell::RefCell, sync::Arc, thread, time::Instant};

use proptest::{
    prelude::*,
    strategy::BoxedStrategy,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use reference::{Answer, World};
use seen::Seen;
use step::Step;
use stores::Template;
use system::System;
use tokio::runtime::Runtime;

/// As many as the machine of a change has.
const THREADS: u64 = 2;

struct Model;

impl ReferenceStateMachine for Model {
    type State = World;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<World> {
        step::worlds().boxed()
    }

    fn transitions(world: &World) -> BoxedStrategy<Step> {
        step::steps(world)
    }

    fn preconditions(world: &World, step: &Step) -> bool {
        step::makes_sense(world, step)
    }

    fn apply(mut world: World, step: &Step) -> World {
        world.answer = world.apply(step);
        world
    }
}

/// What a thread of runs shares.
struct Bench {
    runtime: Runtime,
    template: Arc<Template>,
    seen: Seen,
    ended: u64,
}

/// Every so many runs end with `qunfa check`: it takes as long as the run itself.
const CHECK_EVERY: u64 = 10;

thread_local! {
    static BENCH: RefCell<Option<Bench>> = const { RefCell::new(None) };
}

fn with_bench<T>(work: impl FnOnce(&mut Bench) -> T) -> T {
    BENCH.with_borrow_mut(|bench| work(bench.as_mut().expect("the thread has a bench")))
}

impl StateMachineTest for Model {
    type SystemUnderTest = System;
    type Reference = Self;

    fn init_test(world: &World) -> System {
        with_bench(|bench| bench.runtime.block_on(System::start(&bench.template, world)))
    }

    fn apply(mut system: System, world: &World, step: Step) -> System {
        with_bench(|bench| {
            bench.seen.note(world, &step);
            bench.runtime.block_on(async {
                let answer = system.apply(&step, world.now).await;
                assert_eq!(answer, world.answer, "the answer to {step:?} at {:?}", world.now);
                compare::numbers(system.store().as_ref(), world).await;
            });
        });
        system
    }

    /// Everything that is under way comes to its end, and then everything is compared.
    fn teardown(mut system: System, mut world: World) {
        with_bench(|bench| {
            bench.runtime.block_on(async {
                let mut step = Step::Turn(0);
                while !world.is_at_rest() {
                    let promised = world.apply(&step);
                    let answer = system.apply(&step, world.now).await;
                    assert_eq!(answer, promised, "the answer to {step:?} at {:?}", world.now);
                    step = match answer {
                        Answer::Turn {
                            next_due: Some(due), ..
                        } => Step::Advance(due.ms_since(world.now)),
                        _ => Step::Turn(0),
                    };
                }
                compare::everything(system.store().as_ref(), &world).await;
            });
            bench.ended += 1;
            if bench.ended % CHECK_EVERY == 0 {
                system.check();
            }
            bench.seen.end(&world);
        });
    }
}

fn number(variable: &str, usual: u64) -> u64 {
    let Some(given) = std::env::var_os(variable) else {
        return usual;
    };
    let number = given.to_str().and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| panic!("{variable} is a number"))
}

/// One thread's share of the runs.
fn run(template: Arc<Template>, seed: u64, runs: u64, steps: u64) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let seen = Seen::default();
    BENCH.set(Some(Bench {
        runtime,
        template,
        seen,
        ended: 0,
    }));
    let config = Config {
        cases: u32::try_from(runs).expect("fewer runs than four billion"),
        max_shrink_iters: 4_000,
        failure_persistence: None,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config.clone(), rng);
    let steps = usize::try_from(steps).expect("a length");
    let result = runner.run(
        &Model::sequential_strategy(steps..=steps),
        |(world, steps, seen)| {
            Model::test_sequential(config.clone(), world, steps, seen);
            Ok(())
        },
    );
    if let Err(error) = result {
        panic!("seed {seed}: {error}");
    }
    BENCH.take().expect("the thread has a bench").seen
}

#[test]
fn i02_to_i19_random_steps_answer_and_end_as_the_plain_model_says() {
    let (runs, steps) = (
        number("QUNFA_MODEL_RUNS", if stores::keeps_leases() { 60 } else { 400 }),
        number("QUNFA_MODEL_STEPS", 50),
    );
    let seed = number("QUNFA_MODEL_SEED", 20_261_122);
    let started = Instant::now();
    let runtime = Runtime::new().expect("a runtime");
    let template = Arc::new(runtime.block_on(Template::prepare()));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let template = template.clone();
            let share = runs / THREADS + u64::from(thread < runs % THREADS);
            thread::spawn(move || run(template, seed.wrapping_add(thread), share, steps))
        })
        .collect();
    let mut seen = Seen::default();
    for thread in threads {
        match thread.join() {
            Ok(of_thread) => seen.add(&of_thread),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    println!(
        "model: {runs} runs of {steps} steps, seed {seed}, {:.1} s",
        started.elapsed().as_secs_f64()
    );
    println!("{seen}");
    if runs >= 500 {
        seen.check_all_happened();
    }
}
