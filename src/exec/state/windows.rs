//! Sliding windows as panes: which windows hold a pane, and of which panes a window is made.
//!
//! ```text
//! panes    ├────┼────┼────┼────┤        a pane is as long as the greatest common divisor of length and slide
//! windows   └────┬────┘
//!                └────┬────┘
//! ```

use crate::plan::time_window::last_start;

/// Windows of one length that start one slide after the other.
///
/// ```
/// use rivulet::exec::state::windows::Windows;
///
/// let windows = Windows { length_us: 10, slide_us: 4, offset_us: 0, pane_us: 2 };
/// assert_eq!(windows.starts(8).collect::<Vec<_>>(), [8, 4, 0]);
/// assert_eq!(windows.panes(4).collect::<Vec<_>>(), [4, 6, 8, 10, 12]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// How long a window is.
    pub length_us: i64,
    /// How far apart windows start.
    pub slide_us: i64,
    /// Where the first window starts, after the epoch.
    pub offset_us: i64,
    /// How long a pane is: the greatest common divisor of length and slide.
    pub pane_us: i64,
}

impl Windows {
    /// Returns the starts of the windows that hold the pane that begins at `pane`, the latest first.
    pub fn starts(self, pane: i64) -> impl Iterator<Item = i64> {
        let last = last_start(pane, self.slide_us, self.offset_us);
        let earlier = std::iter::successors(Some(last), move |start| start.checked_sub(self.slide_us));
        earlier.take_while(move |start| pane.saturating_sub(*start) < self.length_us)
    }

    /// Returns where the panes of the window that begins at `start` begin, in order.
    pub fn panes(self, start: i64) -> impl Iterator<Item = i64> {
        (0..self.length_us / self.pane_us).filter_map(move |n| start.checked_add(n * self.pane_us))
    }
}
