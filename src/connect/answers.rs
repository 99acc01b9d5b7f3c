//! Responses of an operation that its client may ask for again.
//!
//! A client whose connection broke names the last response that it has, and is sent those after it. As in Spark
//! (`spark.connect.execute.reattachable.observerRetryBufferSize`), what was sent is kept up to a number of bytes, what
//! was not is kept whole.

use std::collections::VecDeque;

use crate::error::{Exception, Result, SparkError};

/// Most bytes of responses that were sent and are still kept: Spark's default.
const MOST_SENT_BYTES: usize = 10 << 20;

/// The kept responses, in order.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Id and bytes of each.
    kept: VecDeque<(String, Vec<u8>)>,
    /// Their bytes together.
    bytes: usize,
    /// How many are not kept any more, all before the kept ones.
    gone: usize,
    /// The last of these.
    last_gone: Option<String>,
}

impl Answers {
    /// Keeps a response. If it `is_sent`, older ones make room for it.
    pub fn keep(&mut self, id: String, bytes: Vec<u8>, is_sent: bool) {
        self.bytes += bytes.len();
        self.kept.push_back((id, bytes));
        while is_sent && self.bytes > MOST_SENT_BYTES && self.kept.len() > 1 {
            self.forget_first();
        }
    }

    /// Forgets the oldest response.
    fn forget_first(&mut self) {
        if let Some((id, bytes)) = self.kept.pop_front() {
            self.bytes -= bytes.len();
            self.gone += 1;
            self.last_gone = Some(id);
        }
    }

    /// Forgets responses up to one that the client has; an unknown one changes nothing.
    pub fn release(&mut self, until: &str) {
        if let Some(at) = self.kept.iter().position(|(id, _)| id == until) {
            (0..=at).for_each(|_| self.forget_first());
        }
    }

    /// Returns the responses after one that the client has; all, if it has none.
    ///
    /// # Errors
    /// `INVALID_CURSOR.POSITION_NOT_AVAILABLE` if the next one is not kept any more, `INVALID_CURSOR.POSITION_NOT_FOUND`
    /// if the response is unknown.
    pub fn after(&self, last: Option<&str>) -> Result<impl Iterator<Item = &Vec<u8>>> {
        let known = last.and_then(|last| self.kept.iter().position(|(id, _)| id == last));
        let from = match (last, known) {
            (_, Some(at)) => at + 1,
            (None, None) if self.gone == 0 => 0,
            (Some(last), None) if self.last_gone.as_deref() == Some(last) => 0,
            (Some(last), None) if self.gone == 0 => {
                return Err(cursor(
                    "POSITION_NOT_FOUND",
                    &format!("The cursor position id {last} is not found."),
                    last,
                ));
            }
            (last, None) => {
                let (last, index) = (last.unwrap_or_default(), self.gone);
                return Err(cursor(
                    "POSITION_NOT_AVAILABLE",
                    &format!("The cursor position id {last} is no longer available at index {index}."),
                    last,
                )
                .with("index", index.to_string()));
            }
        };
        Ok(self.kept.iter().skip(from).map(|(_, bytes)| bytes))
    }
}

/// Makes the error of a place that responses cannot be sent from.
fn cursor(class: &str, sentence: &str, response: &str) -> SparkError {
    let condition = format!("INVALID_CURSOR.{class}");
    let sentence = format!("The cursor is invalid. {sentence}");
    SparkError::new(Exception::Connect, &condition, "HY109", sentence).with("responseId", response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(count: usize, bytes: usize) -> Answers {
        let mut answers = Answers::default();
        (0..count).for_each(|i| answers.keep(i.to_string(), vec![i as u8; bytes], true));
        answers
    }

    fn after(answers: &Answers, last: Option<&str>) -> Result<Vec<u8>> {
        Ok(answers.after(last)?.map(|bytes| bytes[0]).collect())
    }

    #[test]
    fn a_client_is_sent_what_comes_after_the_last_response_that_it_has() {
        let mut answers = sent(4, 1);
        assert_eq!(after(&answers, None), Ok(vec![0, 1, 2, 3]));
        assert_eq!(after(&answers, Some("1")), Ok(vec![2, 3]));
        answers.release("1");
        assert_eq!(after(&answers, Some("1")), Ok(vec![2, 3]));
        assert_eq!(after(&answers, Some("2")), Ok(vec![3]));
        let gone = after(&answers, None).unwrap_err();
        assert_eq!(gone.condition.as_deref(), Some("INVALID_CURSOR.POSITION_NOT_AVAILABLE"));
        let unknown = after(&sent(2, 1), Some("7")).unwrap_err();
        assert_eq!(unknown.condition.as_deref(), Some("INVALID_CURSOR.POSITION_NOT_FOUND"));
    }

    #[test]
    fn what_was_sent_is_kept_up_to_a_bound_and_what_was_not_is_kept_whole() {
        let answers = sent(60, 1 << 20);
        assert_eq!(answers.bytes, MOST_SENT_BYTES);
        assert_eq!(after(&answers, Some("57")), Ok(vec![58, 59]));
        let error = after(&answers, Some("3")).unwrap_err();
        assert_eq!(
            error.condition.as_deref(),
            Some("INVALID_CURSOR.POSITION_NOT_AVAILABLE")
        );
        let mut unsent = Answers::default();
        (0..60).for_each(|i: u8| unsent.keep(i.to_string(), vec![i; 1 << 20], false));
        assert_eq!(after(&unsent, None).unwrap().len(), 60);
    }
}
