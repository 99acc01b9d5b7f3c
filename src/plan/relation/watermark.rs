//! `withWatermark`: marks a column as the event time that late rows are judged by.

use arrow::datatypes::DataType;

use crate::error::{Exception, Result, SparkError};
use crate::plan::analyzer::Analyzer;
use crate::plan::nodes::{self, EventTimeWatermark};
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::{interval, types};

impl Analyzer {
    /// Resolves `withWatermark`: rows more than `delay_threshold` older than the latest event time seen are
    /// late.
    ///
    /// The mark stays with the column through projections and windows; marks that are already there stay
    /// only on windows.
    ///
    /// # Errors
    /// If the delay is not an interval without months, `CANNOT_PARSE_INTERVAL`; if it is negative,
    /// `INVALID_PARAMETER_VALUE.DELAY_THRESHOLD`; if the column is not a timestamp or a window,
    /// `EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE`.
    pub(super) fn watermark(&mut self, node: &sc::WithWatermark) -> Result<Resolved> {
        let input = self.input(node.input.as_deref())?;
        let delay_us = interval::interval_micros(&node.delay_threshold)
            .ok_or_else(|| interval::cannot_parse(&node.delay_threshold))?;
        if delay_us < 0 {
            return Err(SparkError::new(
                Exception::IllegalArgument,
                "INVALID_PARAMETER_VALUE.DELAY_THRESHOLD",
                "22023",
                format!("Delay threshold ({}) should not be negative.", node.delay_threshold),
            ));
        }
        let typed = self.name(&node.event_time, None, &input)?;
        let valid = matches!(typed.data_type, DataType::Timestamp(..))
            || matches!(&typed.data_type, DataType::Struct(f) if f.iter().any(|f| f.name() == "end"));
        let (Some(attribute), true) = (typed.attribute.clone(), valid) else {
            return Err(SparkError::analysis(
                "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE",
                "42K09",
                format!(
                    "The event time `{}` has the invalid type \"{}\", but expected \"TIMESTAMP\".",
                    node.event_time,
                    types::sql_name(&typed.data_type)
                ),
            )
            .with("eventName", format!("`{}`", node.event_time))
            .with("eventType", format!("\"{}\"", types::sql_name(&typed.data_type))));
        };
        let number = self.watermarks;
        self.watermarks += 1;
        let plan = self.exactly(&input)?;
        let watermark = EventTimeWatermark {
            number,
            column: attribute.id.clone(),
            delay_us,
        };
        let mut out = input.over(nodes::plan(watermark, plan)?);
        out.hidden.clear();
        for column in &mut out.output {
            column.event_time = column.event_time && column.time_window || column.id == attribute.id;
        }
        Ok(out)
    }
}
