//! A source's question to its host: asked once per trigger, asked again of servers that are away or refuse it.

use super::systems::Refused;

/// Longest wait between questions to servers that are away, ms.
const LONGEST_WAIT_MS: i64 = 30_000;
/// First wait, ms.
const FIRST_WAIT_MS: i64 = 250;

/// How a question stands.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// Whether a question waits for its answer.
    is_open: bool,
    /// When it is asked again, or at last, ms since the epoch.
    again_ms: Option<i64>,
    /// How often the servers have refused it in a row.
    refusals: i64,
    /// How often they were away in a row.
    failures: u32,
}

impl Asking {
    /// Begins a question, and returns whether it is to be asked now: one that is open already is not, nor one for which there is a
    /// time.
    pub fn begin(&mut self, at_ms: Option<i64>) -> bool {
        if self.is_open {
            return false;
        }
        self.is_open = true;
        self.again_ms = at_ms;
        at_ms.is_none()
    }

    /// Returns whether a question waits for its answer.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Returns whether an answer is one to a question that waits, and not to one that was given up.
    pub fn expects_answer(&self) -> bool {
        self.is_open && self.again_ms.is_none()
    }

    /// Takes note that the question is answered.
    pub fn answered(&mut self) {
        *self = Self::default();
    }

    /// Decides when to ask again after there was no answer. `tries` is how often a refusal is taken before it counts, `retry_ms` how
    /// long to wait after one, ms.
    ///
    /// # Errors
    /// The refusal, if it counts: at once if it is an error with a condition of its own.
    pub fn put_off(&mut self, refused: Refused, now_ms: i64, tries: i64, retry_ms: i64) -> Result<(), Refused> {
        let wait_ms = if refused.is_away {
            self.failures = (self.failures + 1).min(16);
            (FIRST_WAIT_MS << (self.failures - 1)).min(LONGEST_WAIT_MS)
        } else {
            self.refusals += 1;
            if self.refusals >= tries || refused.error.is_some() {
                return Err(refused);
            }
            retry_ms
        };
        self.again_ms = Some(now_ms + wait_ms);
        Ok(())
    }

    /// Returns when it is asked again, ms since the epoch; `None` if it is not waiting for that.
    pub fn wake_at(&self) -> Option<i64> {
        self.again_ms
    }

    /// Returns whether it is to be asked now.
    pub fn is_due(&mut self, now_ms: i64) -> bool {
        let is_due = self.again_ms.is_some_and(|at| at <= now_ms);
        if is_due {
            self.again_ms = None;
        }
        is_due
    }
}
