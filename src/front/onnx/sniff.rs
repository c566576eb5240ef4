//! Files that are called `.onnx` and are something else: say what.

use crate::base::diagnostic::{Diagnostic, Origin};

/// What a file is that begins like this, if it is certainly no ONNX file.
pub(super) fn sniff(start: &[u8]) -> Option<Diagnostic> {
    let starts = |signature: &[u8]| start.starts_with(signature);
    let at = |offset: usize, signature: &[u8]| start.get(offset..).is_some_and(|rest| rest.starts_with(signature));
    let holds = |word: &[u8]| start.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word));
    let found = |what: &str, help: &str| {
        let message = format!("this is {what}, not an ONNX file");
        Some(Diagnostic::error("not-onnx", Origin::File, message).help(help))
    };
    if start.is_empty() {
        return found("an empty file", "fetch or export it again");
    }
    if starts(b"version https://git-lfs.github.com/spec/") {
        return found("a Git LFS pointer", "fetch the file that it stands for: `git lfs pull`");
    }
    if starts(b"PK\x03\x04") {
        return if holds(b"data.pkl") || holds(b"/version") || holds(b"constants.pkl") {
            found("a PyTorch checkpoint", EXPORT_TORCH)
        } else if holds(b"config.json") || holds(b"model.weights.h5") {
            found("a Keras file", "export it: `model.export(\"model.onnx\", format=\"onnx\")`")
        } else {
            found("a zip archive", "unpack it, and give the `.onnx` file inside")
        };
    }
    if start.first() == Some(&0x80) && start.get(1).is_some_and(|version| (2..=5).contains(version)) {
        return found("a Python pickle, such as an old PyTorch checkpoint", EXPORT_TORCH);
    }
    if starts(b"\x89HDF\r\n") {
        return found(
            "an HDF5 file, such as a Keras model",
            "export it: `model.export(\"model.onnx\", format=\"onnx\")`",
        );
    }
    if at(4, b"TFL3") {
        return found("a TensorFlow Lite file", "convert it: `python -m tf2onnx.convert --tflite model.tflite`");
    }
    if at(4, b"ORTM") {
        return found("a file in ONNX Runtime's own format", "give the `.onnx` file that it was made from");
    }
    if at(8, b"{\"") {
        return found("a safetensors file, which holds weights and no graph", EXPORT_TORCH);
    }
    if starts(b"\x1f\x8b") || starts(b"BZh") || starts(b"\xfd7zXZ") || starts(b"\x28\xb5\x2f\xfd") {
        return found("a compressed file", "unpack it first");
    }
    if starts(b"\x89PNG") || starts(b"\xff\xd8\xff") || starts(b"%PDF") {
        return found("a picture or a document", "give an `.onnx` file");
    }
    let text = std::str::from_utf8(start).map_or_else(|e| e.valid_up_to() + 3 >= start.len(), |_| true);
    let printable = start.iter().all(|b| !b.is_ascii_control() || b.is_ascii_whitespace());
    if !(text && printable) {
        return None;
    }
    if holds(b"<!doctype html") || holds(b"<html") {
        return found(
            "an HTML page, as a server sends in place of a file that needs a login",
            "download the file itself",
        );
    }
    if holds(b"ir_version") {
        return found(
            "a model written as text",
            "save it as binary: `onnx.save(onnx.parser.parse_model(text), \"model.onnx\")`",
        );
    }
    found("a text", "give an `.onnx` file; the language's own files end in `.arch`")
}

const EXPORT_TORCH: &str = "export the model: `torch.onnx.export(model, example, \"model.onnx\")`";

/// Bytes that are looked at.
pub(super) const WINDOW: usize = 1024;

#[cfg(test)]
mod tests {
    use super::sniff;

    fn message(bytes: &[u8]) -> Option<String> {
        sniff(bytes).map(|d| d.message)
    }

    #[test]
    fn what_is_not_onnx_is_said_to_be_what_it_is() {
        let says = |bytes: &[u8], what: &str| {
            let message = message(bytes).unwrap_or_default();
            assert!(message.contains(what), "{message}");
        };
        says(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n", "Git LFS pointer");
        says(b"PK\x03\x04\0\0\0\0resnet18/data.pkl", "PyTorch checkpoint");
        says(b"\x80\x02\x8a\x0al\xfc\x9c", "pickle");
        says(b"\n<!DOCTYPE html><title>Sign in</title>", "HTML page");
        says(b"input 3@224x224\nconv 64 7x7\n", "a text");
        says(b"", "empty");
        // `ir_version: 8, producer_name: "pytorch"`.
        assert_eq!(message(b"\x08\x08\x12\x07pytorch"), None);
    }
}
