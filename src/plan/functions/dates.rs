//! Functions of dates and timestamps.

use arrow::datatypes::DataType;

use super::{Context, call_name, exactly};
use crate::error::Result;
use crate::plan::scope::Typed;
use crate::plan::{literal, time_window, types};

pub fn call(context: &Context<'_>, name: &str, args: &[Typed]) -> Result<Option<Typed>> {
    Ok(Some(match name {
        "window" => time_window::call(args.to_vec(), context.mode, context.zone)?,
        "window_time" => {
            let [window] = exactly(name, args)?;
            let mut out = time_window::window_time(window)?;
            out.name = call_name(name, args);
            out
        }
        "current_timestamp" | "now" => {
            let value = datafusion_common::ScalarValue::TimestampMicrosecond(Some(context.now_us), Some(types::UTC.into()));
            Typed::new(datafusion_expr::lit(value), types::timestamp(), call_name(name, args))
        }
        "current_date" | "curdate" => {
            let days = context.zone.to_local(context.now_us).div_euclid(86_400_000_000) as i32;
            let value = datafusion_common::ScalarValue::Date32(Some(days));
            Typed::new(datafusion_expr::lit(value), DataType::Date32, "current_date()")
        }
        "current_timezone" => literal::string(context.conf.get("spark.sql.session.timeZone").unwrap_or("UTC")),
        "to_date" if args.len() == 1 => {
            let mut out = context.cast(args[0].clone(), &DataType::Date32)?;
            out.name = call_name(name, args);
            out.named = false;
            out
        }
        "to_timestamp" if args.len() == 1 => {
            let mut out = context.cast(args[0].clone(), &types::timestamp())?;
            out.name = call_name(name, args);
            out.named = false;
            out
        }
        _ => return Ok(None),
    }))
}
