//! Jobs over partitioned datasets: a plan in the relation's `extension`, results as `extension` responses, one a partition.

use std::sync::Arc;

use arrow::buffer::Buffer;

use super::driver::{Driver, Owner};
use super::proto as sc;
use super::proto::execute_plan_response::ResponseType;
use super::proto::relation::RelType;
use crate::cluster::runner::{JobRequest, Outcome};
use crate::error::Result;
use crate::exec::stage::{Read, Work};
use crate::rdd::lineage;
use crate::rdd::plan::{RESULT_TYPE_URL, RddPlan, TYPE_URL};

impl Driver {
    /// Runs a dataset plan.
    pub(super) fn execute_datasets(
        &mut self,
        operation: &str,
        session: &str,
        plan: RddPlan,
        now_ms: i64,
    ) -> Result<()> {
        let any = prost_types::Any {
            type_url: TYPE_URL.into(),
            value: plan.for_executors(),
        };
        let relation = sc::Relation {
            common: None,
            rel_type: Some(RelType::Extension(any)),
        };
        let spec = self.session(session).spec(&relation, now_ms)?;
        let graph = Arc::new(lineage::stages(&plan));
        let mut request = JobRequest {
            description: plan.description.clone(),
            ..JobRequest::default()
        };
        for read in graph.stages.iter().flat_map(|s| s.reads.iter().flatten()) {
            if let Read::Scan { scan, partition } = read {
                let bytes = plan.source(*scan, *partition).unwrap_or_default();
                request
                    .scans
                    .insert((*scan, *partition), vec![Buffer::from(bytes.to_vec())]);
            }
        }
        let partitions = graph.stages.last().map_or(vec![], |s| match &s.work {
            Work::Program(program) => program.partitions.clone(),
            Work::Plan(_) => vec![],
        });
        let (plan, effects) = self.runner.register(spec, graph);
        self.carry_out(effects, now_ms);
        let owner = Owner::Datasets {
            operation: operation.to_owned(),
            partitions,
        };
        self.submit(plan, request, owner, now_ms);
        Ok(())
    }

    pub(super) fn datasets_done(&mut self, operation: &str, partitions: &[usize], outcome: Outcome) {
        for (partition, block) in partitions.iter().zip(outcome.results) {
            let mut value = (*partition as u32).to_le_bytes().to_vec();
            value.extend_from_slice(&block);
            let any = prost_types::Any {
                type_url: RESULT_TYPE_URL.into(),
                value,
            };
            self.respond(operation, Some(ResponseType::Extension(any)), None);
        }
        self.end_operation(operation);
    }
}
