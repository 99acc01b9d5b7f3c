//! How much of the files that wait a batch takes.

use std::collections::VecDeque;

use super::listing::SourceFile;
use super::options::{Kind, Opt, Options};
use crate::error::{Exception, Result, SparkError};

/// Most files of a batch. As in Spark, a wrong number fails the query when it starts to run.
pub const MAX_FILES: Opt = Opt::new(
    "maxFilesPerTrigger",
    Kind::Text,
    Some("no limit"),
    "Says how many new files a batch takes at most.",
);
/// Most bytes of a batch, but one file at least.
pub const MAX_BYTES: Opt = Opt::new(
    "maxBytesPerTrigger",
    Kind::Text,
    Some("no limit"),
    "Says how many bytes of new files a batch takes at most; a larger file is a batch of its own.",
);
/// How much a batch takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Most files.
    pub files: Option<usize>,
    /// Most bytes, but one file.
    pub bytes: Option<u64>,
}

impl Limits {
    /// Reads the limits.
    ///
    /// # Errors
    /// `INVALID_OPTION_VALUE` if one is not a number above 0, or both are set.
    pub fn new(options: &Options<'_>) -> Result<Self> {
        let number = |option: &Opt| {
            let text = options.text(option);
            let read = |text: &str| text.parse::<u64>().ok().filter(|n| *n > 0);
            let wrong = |text: &str| {
                let name = option.name;
                not_taken(format!(
                    "Invalid value '{text}' for option '{name}', must be a positive integer"
                ))
            };
            text.map(|text| read(text).ok_or_else(|| wrong(text))).transpose()
        };
        let (files, bytes) = (number(&MAX_FILES)?, number(&MAX_BYTES)?);
        if files.is_some() && bytes.is_some() {
            let both = "Options 'maxFilesPerTrigger' and 'maxBytesPerTrigger' can't be both set at the same time";
            return Err(not_taken(both.to_owned()));
        }
        let files = files.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        Ok(Self { files, bytes })
    }

    /// Returns how many of the files that wait a batch takes.
    pub fn count(&self, files: &VecDeque<SourceFile>) -> usize {
        let mut bytes = 0_u64;
        let fits = |(i, file): &(usize, &SourceFile)| {
            bytes = bytes.saturating_add(file.size);
            *i == 0 || self.bytes.is_none_or(|most| bytes <= most)
        };
        let most = self.files.unwrap_or(usize::MAX);
        files.iter().enumerate().take_while(fits).count().min(most)
    }
}

/// Makes the error of a limit that is not taken.
fn not_taken(message: String) -> SparkError {
    SparkError::new(Exception::IllegalArgument, "INVALID_OPTION_VALUE", "22023", message)
}
