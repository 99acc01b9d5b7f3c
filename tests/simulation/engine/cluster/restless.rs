//! Tasks that let go of the thread at any time.

use std::sync::Mutex;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rivulet::exec::pace::Pace;

/// Lets a task stop before every third item, about.
#[derive(Debug)]
pub struct Restless(Mutex<SmallRng>);

impl Restless {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(SmallRng::seed_from_u64(seed)))
    }
}

impl Pace for Restless {
    fn begin(&self) {}

    fn is_over(&self) -> bool {
        self.0.lock().expect("one thread").random_bool(0.3)
    }
}
