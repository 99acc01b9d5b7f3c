//! `rivulet-connect [--port N] [--executors N] [--conf spark.connect.authenticate.token=T]`: the engine as a Spark Connect
//! server on the loopback address. The token may be in the environment's `SPARK_CONNECT_AUTHENTICATE_TOKEN` too, where
//! other users of the machine do not see it.
//! `rivulet-connect --functions`: the table of functions as JSON.
//!
//! It exits with 2 if the command line cannot be read, and with 1 if it cannot serve.

use std::net::SocketAddr;
use std::process::ExitCode;

use rivulet::connect::grpc::host::Host;
use rivulet::connect::grpc::identity::Token;
use rivulet::connect::grpc::service::{MAX_MESSAGE_BYTES, Service};
use rivulet::proto::spark_connect_service_server::SparkConnectServiceServer;
use tonic::service::interceptor::InterceptedService;

/// What is printed for options that cannot be read.
const USAGE: &str = "usage: rivulet-connect [--port N (15002)] [--executors N (2)] [--conf spark.connect.authenticate.token=TOKEN]\n       rivulet-connect --functions";

/// Options of the command line.
struct Options {
    /// The port on the loopback address.
    port: u16,
    /// How many executors there are, 1 to 64.
    executors: u32,
    /// What every call must carry; `None` if all may call.
    token: Option<String>,
}

/// The setting of the token, and its variable in the environment: Spark's.
const TOKEN: (&str, &str) = ("spark.connect.authenticate.token", "SPARK_CONNECT_AUTHENTICATE_TOKEN");

/// Reads the command line; an error is what to print.
fn options() -> Result<Options, String> {
    let mut options = Options {
        port: 15002,
        executors: 2,
        token: std::env::var(TOKEN.1).ok(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--conf" {
            let setting = words.next().unwrap_or_default();
            let token = setting.strip_prefix(TOKEN.0).and_then(|rest| rest.strip_prefix('='));
            let token = token.ok_or_else(|| format!("--conf takes {}=TOKEN only\n{USAGE}", TOKEN.0))?;
            options.token = Some(token.to_owned());
            continue;
        }
        let mut number = || {
            words
                .next()
                .and_then(|n| n.parse::<u32>().ok())
                .ok_or_else(|| format!("{word} needs a number\n{USAGE}"))
        };
        match word.as_str() {
            "--port" => {
                options.port = u16::try_from(number()?).map_err(|_| format!("--port is above 65535\n{USAGE}"))?
            }
            "--executors" => options.executors = number()?.clamp(1, 64),
            _ => return Err(format!("unknown option {word}\n{USAGE}")),
        }
    }
    Ok(options)
}

/// The stack of a thread that reads requests: a message may be as deep as Spark's, and reading it recurs.
const STACK_BYTES: usize = 16 << 20;

/// Serves until the process is ended.
fn main() -> ExitCode {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    match runtime.enable_all().thread_stack_size(STACK_BYTES).build() {
        // On a thread of the runtime, whose stack is known.
        Ok(runtime) => runtime.block_on(runtime.spawn(serve())).unwrap_or(ExitCode::FAILURE),
        Err(error) => {
            eprintln!("rivulet-connect: no threads: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the command line asks for.
async fn serve() -> ExitCode {
    if std::env::args().skip(1).eq(["--functions"]) {
        println!("{:#}", rivulet::plan::functions::describe::table());
        return ExitCode::SUCCESS;
    }
    let options = match options() {
        Ok(options) => options,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(2);
        }
    };
    let host = match Host::start(options.executors) {
        Ok(host) => host,
        Err(error) => {
            eprintln!("rivulet-connect: no thread for the driver: {error}");
            return ExitCode::FAILURE;
        }
    };
    let address = SocketAddr::from(([127, 0, 0, 1], options.port));
    let service = SparkConnectServiceServer::new(Service::new(host))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES);
    let service = InterceptedService::new(service, Token::new(options.token));
    println!(
        "Rivulet's Spark Connect server: sc://{address} ({} executors)",
        options.executors
    );
    match tonic::transport::Server::builder()
        .add_service(service)
        .serve(address)
        .await
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rivulet-connect: cannot serve on {address}: {error}");
            ExitCode::FAILURE
        }
    }
}
