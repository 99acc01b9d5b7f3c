//! `rivulet-gateway [--kafka HOST:PORT,…] [--spark HOST:PORT] [--flume [ADDRESS:]PORT]… [--flume-sink HOST:PORT]…
//! [--flume-patience SECONDS] [--port N] [--origin ORIGIN]… [--token TOKEN]`: Kafka and Flume over HTTP and Spark Connect over gRPC-Web,
//! for pages, on the loopback address. Flume's agents send to the ports of `--flume`, or over HTTP; pages may have the sinks of
//! `--flume-sink` polled. The token may be in the environment's `RIVULET_GATEWAY_TOKEN` too, where other users of the machine do not see
//! it, and Spark's own in `SPARK_CONNECT_AUTHENTICATE_TOKEN`.
//!
//! It exits with 2 if the command line cannot be read, and with 1 if it cannot serve.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use rivulet::connect::gateway::flume::listener_of;
use rivulet::connect::gateway::{Settings, Upstream, routes};

/// What is printed for options that cannot be read.
const USAGE: &str = "usage: rivulet-gateway [--kafka HOST:PORT,…] [--spark HOST:PORT] [--flume [ADDRESS:]PORT]… [--flume-sink HOST:PORT]… [--flume-patience SECONDS (15)] [--port N (9095)] [--origin ORIGIN (http://localhost:5173)]… [--token TOKEN]";

/// The port without an option.
const PORT: u16 = 9095;

/// Reads the command line; an error is what to print.
fn options(mut words: impl Iterator<Item = String>) -> Result<(u16, Settings), String> {
    let mut port = PORT;
    let mut settings = Settings {
        token: std::env::var("RIVULET_GATEWAY_TOKEN").ok(),
        ..Settings::default()
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n{USAGE}"));
        match word.as_str() {
            "--kafka" => settings.kafka = Some(value()?),
            "--spark" => {
                settings.spark = Some(Upstream {
                    address: value()?,
                    token: std::env::var("SPARK_CONNECT_AUTHENTICATE_TOKEN").ok(),
                });
            }
            "--flume" => {
                let text = value()?;
                let listener = listener_of(&text).ok_or_else(|| format!("--flume {text} is not a port\n{USAGE}"))?;
                settings.flume.listeners.push(listener);
            }
            "--flume-sink" => settings.flume.sinks.push(value()?),
            "--flume-patience" => {
                let seconds: u32 = value()?
                    .parse()
                    .map_err(|_| format!("--flume-patience is not a number of seconds\n{USAGE}"))?;
                settings.flume.patience = Some(Duration::from_secs(seconds.into()));
            }
            "--port" => port = value()?.parse().map_err(|_| format!("--port is not a port\n{USAGE}"))?,
            "--origin" => settings.origins.push(value()?.trim_end_matches('/').to_owned()),
            "--token" => settings.token = Some(value()?),
            _ => return Err(format!("unknown option {word}\n{USAGE}")),
        }
    }
    let has_flume = !(settings.flume.listeners.is_empty() && settings.flume.sinks.is_empty());
    if settings.kafka.as_ref().is_none_or(String::is_empty) && settings.spark.is_none() && !has_flume {
        return Err(format!(
            "--kafka must name brokers, --spark a Spark Connect server, or --flume and --flume-sink Flume's agents\n{USAGE}"
        ));
    }
    if settings.origins.is_empty() {
        settings.origins.push("http://localhost:5173".to_owned());
    }
    Ok((port, settings))
}

/// Serves until the process is ended.
#[tokio::main]
async fn main() -> ExitCode {
    let (port, settings) = match options(std::env::args().skip(1)) {
        Ok(read) => read,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(2);
        }
    };
    let served = match routes(settings.clone()) {
        Ok(served) => served,
        Err(why) => {
            eprintln!("rivulet-gateway: {why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let listener = match tokio::net::TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("rivulet-gateway: cannot serve on {address}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let at = listener.local_addr().unwrap_or(address);
    let systems: Vec<String> = settings
        .kafka
        .iter()
        .map(|servers| format!("Kafka at {servers}"))
        .chain(
            settings
                .spark
                .iter()
                .map(|server| format!("Spark at {}", server.address)),
        )
        .chain(
            settings
                .flume
                .listeners
                .iter()
                .map(|at| format!("Flume's agents at {at}")),
        )
        .chain(settings.flume.sinks.iter().map(|at| format!("Flume's sink at {at}")))
        .collect();
    println!(
        "Rivulet's gateway: http://{at}, {}, pages of {}",
        systems.join(", "),
        settings.origins.join(", ")
    );
    match axum::serve(listener, served).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rivulet-gateway: {error}");
            ExitCode::FAILURE
        }
    }
}
