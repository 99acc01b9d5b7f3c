//! Windows (`OVER`, `WINDOW`) and sort orders.
//!
//! A named window is written out where it is used, since the protocol has windows only as a whole.

use sc::expression::literal::LiteralType;
use sc::expression::sort_order::{NullOrdering, SortDirection};
use sc::expression::window::WindowFrame as Frame;
use sc::expression::window::window_frame::{FrameBoundary, FrameType, frame_boundary::Boundary};
use sc::expression::{ExprType, SortOrder, Window};
use sqlparser::ast::{
    NamedWindowDefinition, NamedWindowExpr, OrderByExpr, OrderByOptions, OrderBySort, WindowFrame, WindowFrameBound,
    WindowFrameUnits, WindowSpec, WindowType,
};
use std::collections::BTreeMap;

use super::error::SqlError;
use super::lowering::{Lowering, ident};
use super::message::{call, expression, literal};
use crate::proto as sc;

impl Lowering {
    /// Returns `function OVER window`.
    ///
    /// # Errors
    /// If the window is not defined, `MISSING_WINDOW_SPECIFICATION`.
    pub fn window(&mut self, function: sc::Expression, window: &WindowType) -> Result<sc::Expression, SqlError> {
        let spec = match window {
            WindowType::WindowSpec(spec) => self.named_spec(spec)?,
            WindowType::NamedWindow(name) => self.window_named(&ident(name)?)?,
        };
        let partition_spec = self.expressions(&spec.partition_by)?;
        let order_spec = self.sort_orders(&spec.order_by)?;
        let frame_spec = spec
            .window_frame
            .as_ref()
            .map(|frame| self.frame(frame))
            .transpose()?
            .map(Box::new);
        let window_function = Some(Box::new(function));
        let window = Window {
            window_function,
            partition_spec,
            order_spec,
            frame_spec,
        };
        Ok(expression(ExprType::Window(Box::new(window))))
    }

    /// Returns a specification: `OVER (w)` is `OVER w`. Spark does not have windows that add to a named
    /// one.
    ///
    /// # Errors
    /// If it does, `UNSUPPORTED_FEATURE.WINDOW_INHERITANCE`.
    fn named_spec(&self, spec: &WindowSpec) -> Result<WindowSpec, SqlError> {
        match &spec.window_name {
            None => Ok(spec.clone()),
            Some(name) if spec.partition_by.is_empty() && spec.order_by.is_empty() && spec.window_frame.is_none() => {
                self.window_named(&ident(name)?)
            }
            Some(_) => Err(SqlError::unsupported("WINDOW_INHERITANCE", format!("OVER ({spec})"))),
        }
    }

    /// Returns the window of a `WINDOW` clause.
    ///
    /// # Errors
    /// If no select around has it, `MISSING_WINDOW_SPECIFICATION`.
    fn window_named(&self, name: &str) -> Result<WindowSpec, SqlError> {
        let found = self
            .windows
            .last()
            .and_then(|windows| windows.get(&name.to_lowercase()));
        found
            .cloned()
            .ok_or_else(|| SqlError::MissingWindow { name: name.to_string() })
    }

    /// Brings the `WINDOW` clause of a select into scope; the caller pops it from [`Lowering::windows`].
    pub fn push_windows(&mut self, definitions: &[NamedWindowDefinition]) -> Result<(), SqlError> {
        let mut windows: BTreeMap<String, WindowSpec> = BTreeMap::new();
        for NamedWindowDefinition(name, definition) in definitions {
            let spec = match definition {
                NamedWindowExpr::WindowSpec(spec) => spec.clone(),
                NamedWindowExpr::NamedWindow(other) => match windows.get(&ident(other)?.to_lowercase()) {
                    Some(spec) => spec.clone(),
                    None => {
                        return Err(SqlError::MissingWindow {
                            name: other.value.clone(),
                        });
                    }
                },
            };
            windows.insert(ident(name)?.to_lowercase(), spec);
        }
        self.windows.push(windows);
        Ok(())
    }

    /// Returns the keys of an `ORDER BY` or `SORT BY`.
    pub fn sort_orders(&mut self, orders: &[OrderByExpr]) -> Result<Vec<SortOrder>, SqlError> {
        orders.iter().map(|order| self.sort_order(order)).collect()
    }

    /// Returns one key.
    pub fn sort_order(&mut self, order: &OrderByExpr) -> Result<SortOrder, SqlError> {
        let child = self.expression(&order.expr)?;
        sort_order_of(child, &order.options)
    }

    /// Returns a frame; one bound alone starts it, and it ends at the current row.
    ///
    /// # Errors
    /// If it counts groups, `UNSUPPORTED_FEATURE.WINDOW_FRAME`; if it starts after all rows or ends before them,
    /// `DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_INVALID_BOUND`.
    fn frame(&mut self, frame: &WindowFrame) -> Result<Frame, SqlError> {
        let frame_type = match frame.units {
            WindowFrameUnits::Rows => FrameType::Row,
            WindowFrameUnits::Range => FrameType::Range,
            WindowFrameUnits::Groups => return Err(SqlError::unsupported("WINDOW_FRAME", "GROUPS")),
        };
        if matches!(frame.start_bound, WindowFrameBound::Following(None))
            || matches!(frame.end_bound, Some(WindowFrameBound::Preceding(None)))
        {
            let end = frame.end_bound.as_ref().unwrap_or(&WindowFrameBound::CurrentRow);
            return Err(SqlError::FrameBound {
                units: frame.units.to_string(),
                lower: frame.start_bound.to_string(),
                upper: end.to_string(),
            });
        }
        let lower = self.boundary(&frame.start_bound)?;
        let upper = match &frame.end_bound {
            Some(bound) => self.boundary(bound)?,
            None => Boundary::CurrentRow(true),
        };
        let boxed = |boundary| {
            Some(Box::new(FrameBoundary {
                boundary: Some(boundary),
            }))
        };
        Ok(Frame {
            frame_type: frame_type as i32,
            lower: boxed(lower),
            upper: boxed(upper),
        })
    }

    /// Returns one end of a frame: unbounded, the current row, or an offset from it.
    fn boundary(&mut self, bound: &WindowFrameBound) -> Result<Boundary, SqlError> {
        Ok(match bound {
            WindowFrameBound::CurrentRow => Boundary::CurrentRow(true),
            WindowFrameBound::Preceding(None) | WindowFrameBound::Following(None) => Boundary::Unbounded(true),
            WindowFrameBound::Preceding(Some(distance)) => {
                Boundary::Value(Box::new(negated(self.expression(distance)?)))
            }
            WindowFrameBound::Following(Some(distance)) => Boundary::Value(Box::new(self.expression(distance)?)),
        })
    }
}

/// Returns a sort order with Spark's defaults: ascending, nulls first; descending, nulls last.
pub(super) fn sort_order_of(child: sc::Expression, options: &OrderByOptions) -> Result<SortOrder, SqlError> {
    let descending = match options.sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        Some(OrderBySort::Using(_)) => return Err(SqlError::unsupported("ORDER_BY_USING", "ORDER BY .. USING")),
    };
    let nulls_first = options.nulls_first.unwrap_or(!descending);
    let direction = if descending {
        SortDirection::Descending
    } else {
        SortDirection::Ascending
    };
    let nulls = if nulls_first {
        NullOrdering::SortNullsFirst
    } else {
        NullOrdering::SortNullsLast
    };
    Ok(SortOrder {
        child: Some(Box::new(child)),
        direction: direction as i32,
        null_ordering: nulls as i32,
    })
}

/// Returns an offset before the current row, which is negative: a literal takes its sign, anything else
/// `negative(..)`.
fn negated(distance: sc::Expression) -> sc::Expression {
    let Some(ExprType::Literal(given)) = &distance.expr_type else {
        return call("negative", vec![distance]);
    };
    let value = match &given.literal_type {
        Some(LiteralType::Integer(value)) => value.checked_neg().map(LiteralType::Integer),
        Some(LiteralType::Long(value)) => value.checked_neg().map(LiteralType::Long),
        Some(LiteralType::Double(value)) => Some(LiteralType::Double(-value)),
        Some(LiteralType::YearMonthInterval(value)) => value.checked_neg().map(LiteralType::YearMonthInterval),
        Some(LiteralType::DayTimeInterval(value)) => value.checked_neg().map(LiteralType::DayTimeInterval),
        _ => None,
    };
    match value {
        Some(value) => {
            let mut negated = literal(value);
            if let Some(ExprType::Literal(literal)) = &mut negated.expr_type {
                literal.data_type = given.data_type.clone();
            }
            negated
        }
        None => call("negative", vec![distance]),
    }
}
