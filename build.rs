//! Generates Spark Connect's messages from the `.proto` files of Spark's own crate, without a `protoc` binary.
//!
//! The crate is a dependency under a `cfg` that is never set: Cargo fetches it and tells its folder, nothing links it.

use std::error::Error;
use std::path::PathBuf;

const MODULES: [&str; 10] = [
    "base",
    "catalog",
    "commands",
    "common",
    "expressions",
    "ml",
    "ml_common",
    "pipelines",
    "relations",
    "types",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=Cargo.lock");
    let metadata = cargo_metadata::MetadataCommand::new().exec()?;
    let package = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == "apache-spark-connect-proto")
        .ok_or("Cargo.toml names no apache-spark-connect-proto")?;
    let root: PathBuf = package
        .manifest_path
        .parent()
        .ok_or("a manifest has a folder")?
        .join("proto")
        .into();
    let descriptors = protox::compile(
        MODULES.map(|name| root.join("spark/connect").join(format!("{name}.proto"))),
        [&root],
    )?;
    let mut config = prost_build::Config::new();
    // The comments in Spark's files hold indented text that rustdoc would run as tests.
    config.disable_comments(["."]);
    #[cfg(feature = "server")]
    tonic_prost_build::configure()
        .build_client(false)
        .compile_fds_with_config(descriptors, config)?;
    #[cfg(not(feature = "server"))]
    config.compile_fds(descriptors)?;
    Ok(())
}
