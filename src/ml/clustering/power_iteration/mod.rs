//! `PowerIterationClustering`: clusters of vertices by how similar they are (Lin and Cohen).
//!
//! A vertex's number is the mean of its neighbours', weighted by how similar they are, again and again; numbers of one cluster become
//! equal long before all do. Clients ask for it as a relation, which is one plan: so the edges come together in one task, whose memory
//! they count against, and not in the driver.
//!
//! ```text
//!  edges ─▶ Aggregate: one row, one BINARY ─▶ kernel: numbers of vertices, then k-means ─▶ Generate: id, cluster
//! ```

mod graph;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array, Int64Array};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion_expr::{Expr, LogicalPlanBuilder};

use self::graph::{Edges, Found, clusters};
use crate::error::{Result, SparkError};
use crate::kernels::kernel;
use crate::ml::literal::{Kind, Value};
use crate::ml::params::{Check, Default, Param, Params, free, named, one_of, param, steps};
use crate::ml::relation::{exploded, lists_of_structs};
use crate::ml::stage::{self, Role, Stage, Transformer};
use crate::ml::{summary, training};
use crate::plan::analyzer::Analyzer;
use crate::plan::cast_expr;
use crate::plan::scope::Resolved;
use crate::proto as sc;
use crate::values::types::list_of;

/// Names clusters of a graph's vertices (`PowerIterationClustering`); it neither trains nor transforms.
#[derive(Debug)]
pub struct PowerIterationClustering;

impl Stage for PowerIterationClustering {
    fn class(&self) -> &'static str {
        "org.apache.spark.ml.clustering.PowerIterationClustering"
    }

    fn params(&self) -> &'static [Param] {
        const PARAMS: &[Param] = &[
            named("dstCol", "dst"),
            one_of("initMode", "random", &["random", "degree"]),
            param("k", Kind::Int, Default::Int(2), Check::Above(1.0)),
            steps(20),
            named("srcCol", "src"),
            free("weightCol", Kind::Text),
        ];
        PARAMS
    }

    fn role(&self) -> Role<'_> {
        Role::Transformer(self)
    }
}

impl Transformer for PowerIterationClustering {
    fn transform(&self, _: &mut Analyzer, _: Resolved, _: &Params, _: Option<&sc::Relation>) -> Result<Resolved> {
        Err(SparkError::unsupported(
            "PowerIterationClustering as a transformer: it assigns clusters",
        ))
    }
}

/// Plans the clusters of a dataset's vertices (`assignClusters`): `id` and `cluster`. The values are k, steps, how it begins, and the
/// columns of sources, destinations and weights; without a name, all weights are 1.
///
/// # Errors
/// If a value is invalid, or a column is of another type.
pub fn planned(analyzer: &mut Analyzer, dataset: &sc::Relation, values: [&Value; 6]) -> Result<Resolved> {
    let mut params = Params::new(
        &PowerIterationClustering,
        "PowerIterationClustering",
        &std::default::Default::default(),
    )?;
    for (name, value) in ["k", "maxIter", "initMode", "srcCol", "dstCol", "weightCol"]
        .into_iter()
        .zip(values)
    {
        params.put(name, value.clone())?;
    }
    let input = analyzer.relation(dataset)?;
    if input.streaming {
        return Err(SparkError::unsupported("clusters of a streaming DataFrame"));
    }
    let mut columns = vec![];
    for name in ["srcCol", "dstCol"] {
        let read = analyzer.input_column(&input, &params.text(name)?)?;
        let read = analyzer.of_types(read, &[DataType::Int32, DataType::Int64])?;
        columns.push(cast_expr::cast(read.typed, &DataType::Int64, analyzer.mode(), analyzer.zone)?.expr);
    }
    let weight = params.column("weightCol");
    if let Some(name) = &weight {
        let read = analyzer.numbers(&input, name)?;
        columns.push(analyzer.as_double(read)?.typed.expr);
    }
    let ends = format!("{}, {}", params.text("srcCol")?, params.text("dstCol")?);
    let weight = weight.unwrap_or_default();
    let options = params.fingerprint();
    let function = summary::aggregate(options.clone(), move || {
        Box::new(Edges::new(ends.clone(), weight.clone()))
    });
    let state = analyzer.attribute("state", DataType::Binary, true);
    let call = function.call(columns).alias(state.id.clone());
    let plan = LogicalPlanBuilder::from(input.plan)
        .aggregate(Vec::<Expr>::new(), vec![call])?
        .build()?;
    let args = vec![state.column()];
    let collected = Resolved::new(plan, vec![state], false);
    let fields = Fields::from(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("cluster", DataType::Int32, false),
    ]);
    let entry = DataType::Struct(fields.clone());
    let list = kernel::call(
        "power_iteration",
        options,
        list_of(entry.clone()),
        args,
        move |args, _| {
            let (mut ids, mut numbers, mut lengths) = (vec![], vec![], vec![]);
            for state in args[0].as_binary::<i32>() {
                let found: Found = training::state(state.unwrap_or_default())?;
                let assigned = clusters(&found, &params)?;
                lengths.push(assigned.len());
                ids.extend(assigned.iter().map(|(id, _)| *id));
                numbers.extend(assigned.iter().map(|(_, cluster)| *cluster));
            }
            let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(ids)), Arc::new(Int32Array::from(numbers))];
            Ok(lists_of_structs(&fields, columns, lengths)?)
        },
    );
    exploded(analyzer, collected, list, entry)
}

/// Returns the stage that finds clusters of numbers.
fn means(k: i64) -> Result<Params> {
    let stage = stage::by_name("org.apache.spark.ml.clustering.KMeans")?;
    let mut params = Params::new(stage, "means", &std::default::Default::default())?;
    params.put("k", Value::Int(k))?;
    params.put("seed", Value::Int(0))?;
    Ok(params)
}
