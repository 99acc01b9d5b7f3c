//! Generates Spark Connect's messages from the `.proto` files of Spark's own crate, without a `protoc` binary.
//!
//! The crate is a dependency under a `cfg` that is never set: Cargo fetches it and tells its folder, nothing links it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;

use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

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
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("Cargo sets OUT_DIR")?);
    std::fs::write(out.join("nesting.rs"), nesting(&descriptors))?;
    let mut config = prost_build::Config::new();
    // What `proto::read` finds a message's fields by.
    config.enable_type_names();
    // The same message has the same bytes, which name what was asked for it.
    config.btree_map(["."]);
    // The comments in Spark's files hold indented text that rustdoc would run as tests.
    config.disable_comments(["."]);
    #[cfg(feature = "server")]
    tonic_prost_build::configure()
        .build_client(false)
        .codec_path("crate::connect::grpc::codec::Checked")
        .compile_fds_with_config(descriptors, config)?;
    #[cfg(not(feature = "server"))]
    config.compile_fds(descriptors)?;
    Ok(())
}

/// Writes which fields of which messages are messages: a table sorted by name, of numbers of fields with the places of their
/// messages in the table.
fn nesting(files: &FileDescriptorSet) -> String {
    fn gather<'a>(prefix: &str, message: &'a DescriptorProto, found: &mut BTreeMap<String, &'a DescriptorProto>) {
        let name = format!("{prefix}.{}", message.name());
        for nested in &message.nested_type {
            gather(&name, nested, found);
        }
        found.insert(name, message);
    }
    let mut messages = BTreeMap::new();
    for file in &files.file {
        for message in &file.message_type {
            gather(&format!(".{}", file.package()), message, &mut messages);
        }
    }
    let place: BTreeMap<&str, usize> = messages
        .keys()
        .enumerate()
        .map(|(at, name)| (name.as_str(), at))
        .collect();
    let mut table = String::from("static MESSAGES: &[(&str, &[(u32, u16)])] = &[\n");
    for (name, message) in &messages {
        let nested = message.field.iter().filter(|field| field.r#type() == Type::Message);
        let mut fields: Vec<_> = nested.map(|field| (field.number(), place[field.type_name()])).collect();
        fields.sort_unstable();
        // Without the leading dot, as `prost::Name` has it. Writing to a string cannot fail.
        let _ = writeln!(table, "    ({:?}, &{fields:?}),", &name[1..]);
    }
    table + "];\n"
}
