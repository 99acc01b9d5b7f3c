//! Plans that executors have.

use std::sync::{Arc, OnceLock};

use crate::cluster::attempts::{Attempts, Shown, StageStatus};
use crate::compile::job::JobSpec;
use crate::compile::reads::is_quiet;
use crate::exec::stage::StageGraph;

/// A plan that executors have.
pub(super) struct Plan {
    /// How executors make it; new ones get it too.
    pub(super) spec: JobSpec,
    /// Its stages.
    pub(super) graph: Arc<StageGraph>,
    /// By stage: whether its tasks return no rows when they read none.
    pub(super) quiet: Vec<bool>,
    /// How they are shown, once somebody has looked: many jobs of a stream have one plan.
    shown: OnceLock<Vec<Shown>>,
}

impl Plan {
    /// Makes a plan that nobody has looked at.
    pub(super) fn new(spec: JobSpec, graph: Arc<StageGraph>) -> Self {
        let shown = OnceLock::new();
        let quiet = graph.stages.iter().map(|stage| is_quiet(stage, &graph.scans)).collect();
        Self {
            spec,
            graph,
            quiet,
            shown,
        }
    }

    /// Returns how a job's stages stand.
    pub(super) fn stages(&self, attempts: &Attempts, over: bool) -> Vec<StageStatus> {
        let shown = self
            .shown
            .get_or_init(|| self.graph.stages.iter().map(Shown::of).collect());
        attempts.stages(&self.graph, shown, over)
    }
}
