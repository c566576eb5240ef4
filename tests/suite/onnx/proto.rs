//! `src/front/onnx/proto.rs` is what `grammar/onnx.proto` says.

use std::fs;
use std::path::Path;

const HEADER: &str = "//! Messages of an ONNX file: generated from `grammar/onnx.proto`; change that, and run `cargo test onnx_proto`.\n//!\n//! SPDX-License-Identifier: Apache-2.0 (derived from ONNX's own definition).\n\n";

#[test]
fn generated_code_is_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let descriptors = protox::compile(["onnx.proto"], [root.join("grammar")]).unwrap();
    let generated = prost_build::Config::new()
        .bytes(["."])
        .generate(
            descriptors
                .file
                .into_iter()
                .map(|file| (prost_build::Module::from_protobuf_package_name(file.package()), file))
                .collect(),
        )
        .unwrap();
    let fresh = format!("{HEADER}{}", generated.into_values().next().unwrap());
    let path = root.join("src/front/onnx/proto.rs");
    if fs::read_to_string(&path).unwrap_or_default() != fresh {
        fs::write(&path, fresh).unwrap();
        panic!("src/front/onnx/proto.rs was stale; it has been generated anew, commit it");
    }
}
