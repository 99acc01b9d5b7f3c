//! Credentials that functions of the page's return, as one worker has them: what is kept, and the questions to the page.

use std::cell::RefCell;
use std::rc::Rc;

use futures::channel::oneshot::{Sender, channel};

use super::page::{ToPage, tell};
use super::page_credentials::CredentialsAnswer;
use super::thrown;
use super::timer::now_ms;
use crate::error::{Result, SparkError};
use crate::sources::credentials::keeping::{Keeper, Reason, Step};
use crate::sources::credentials::{Held, Wanted};

/// What a worker keeps of the page's functions.
#[derive(Clone, Default)]
pub struct Credentials(Rc<RefCell<Keeper<Sender<Result<Held>>>>>);

impl Credentials {
    /// Returns what is kept, or what the page's function returns now: others than those that were refused.
    ///
    /// # Errors
    /// The page's, with a condition `RIVULET_CREDENTIALS`.
    pub async fn of(&self, wanted: &Wanted, refused: Option<u64>) -> Result<Held> {
        loop {
            let (waiter, answer) = channel();
            let step = self.0.borrow_mut().want(wanted, refused, now_ms(), waiter);
            match step {
                Step::Use(held) => return Ok(held),
                Step::Ask(id, reason) => self.ask(id, wanted, reason, refused.unwrap_or(0)),
                Step::Wait => {}
            }
            let held = answer
                .await
                .map_err(|_| SparkError::internal("a question to the page was given up"))??;
            if refused.is_none_or(|serial| held.serial > serial) {
                return Ok(held);
            }
        }
    }

    /// Asks the page; a question that cannot be posted is answered with why.
    fn ask(&self, id: u64, wanted: &Wanted, reason: Reason, refused: u64) {
        let asked = tell(&ToPage::CredentialsWanted {
            id,
            name: &wanted.name,
            system: wanted.system.word(),
            option: wanted.system.option(),
            url: &wanted.url,
            reason: reason.word(),
            refused,
        });
        if let Err(error) = asked {
            self.hand_over(id, &Err(SparkError::internal(thrown(&error))));
        }
    }

    /// Takes in what the page answers.
    pub fn answered(&self, answer: CredentialsAnswer) {
        self.hand_over(answer.id, &answer.outcome());
    }

    /// Hands an answer to all who wait for it; some may not wait any more.
    fn hand_over(&self, id: u64, outcome: &Result<Held>) {
        let waiting = self.0.borrow_mut().answered(id, outcome.as_ref().ok().cloned());
        for waiter in waiting {
            let _ = waiter.send(outcome.clone());
        }
    }

    /// Forgets what a function has returned.
    pub fn forget(&self, name: &str) {
        self.0.borrow_mut().forget(name);
    }
}
