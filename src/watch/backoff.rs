//! How long to wait before the next try to connect: doubling, capped, jittered.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

/// The wait before the second try.
const FIRST: Duration = Duration::from_millis(250);

/// The longest wait, before jitter.
const LONGEST: Duration = Duration::from_secs(10);

/// The wait before try number `tries + 1`: between half and all of the capped power of two, so that many consoles
/// do not come back in step.
pub fn wait(tries: u32) -> Duration {
    let full = FIRST.saturating_mul(2u32.saturating_pow(tries.min(16))).min(LONGEST);
    full.mul_f64(0.5 + 0.5 * random_share())
}

/// A number in 0..1 from the standard library's own random keys; spreading tries needs no better.
fn random_share() -> f64 {
    RandomState::new().hash_one(0u8) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_cap_and_never_pass_it() {
        assert!(wait(0) <= FIRST && wait(0) >= FIRST / 2);
        for tries in [6, 40, u32::MAX] {
            assert!(wait(tries) <= LONGEST && wait(tries) >= LONGEST / 2);
        }
    }
}
