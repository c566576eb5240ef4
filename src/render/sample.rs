//! The sizing exercise as a report made by hand, for the tests of this folder. Its figures are the textbook's (Géron,
//! chapter 14, exercise 2), worked out exactly.

use super::{Entry, Figures, Layout, Outcome};
use crate::analyze::report::{Field, Inference, Layer, Report, Settings, Tensor, Totals, Training, Unknown};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::quantity::{AtLeast, Bytes, Elements, Macs};
use crate::base::source::{Sources, Span};
use crate::ops::rules::Operations;
use crate::tensor::{DType, Shape, TensorType};
use std::rc::Rc;

const TEXT: &str = "input 200x300 rgb\nconv 100 3x3 /2 same\nconv 200 3x3 /2 same\nconv 400 3x3 /2 same\n";

/// The exercise at a batch of 50.
pub(super) fn textbook() -> Entry {
    let mut sources = Sources::default();
    let source = sources.add("textbook.arch", TEXT.into());
    let tensor = |name: &str, sizes: &[u64]| Tensor {
        name: name.into(),
        ty: TensorType::new(DType::F32, Shape::known(sizes)).into(),
    };
    let layer = |number: u32, input: &str, sizes: [u64; 4], parameters: u64, macs: u64| {
        let name = format!("conv{number}");
        let start = 18 + 21 * (number - 1);
        Layer {
            op: "Conv".into(),
            window: String::new(),
            line: None,
            group: name.clone().into(),
            scope: "".into(),
            origin: Origin::Text(Span { source, start, end: start + 20 }),
            inputs: vec![input.into()],
            outputs: vec![tensor(&name, &sizes)],
            parameters: AtLeast::exact(Elements(parameters)),
            trainable: AtLeast::exact(Elements(parameters)),
            buffers: AtLeast::exact(Elements(0)),
            macs: AtLeast::exact(Macs(macs)),
            flops: AtLeast::exact(Elements(2 * macs)),
            activation_bytes: AtLeast::exact(Bytes(sizes.iter().product::<u64>() * 4)),
            receptive_field: [].into(),
            name: name.into(),
        }
    };
    let bytes = |n| AtLeast::exact(Bytes(n));
    let count = |n| AtLeast::exact(Elements(n));
    let inference = |alive: u64, kept: u64| Inference {
        minimum: bytes(alive + 3_613_600),
        overwriting: bytes(alive),
        overwriting_at: Some("conv2".into()),
        activation_peak: bytes(alive),
        peak_at: Some("conv2".into()),
        arena: bytes(alive),
        no_reuse: bytes(kept),
        onnxruntime: None,
    };
    let report = Report {
        name: "textbook".into(),
        source: "textbook.arch".into(),
        format: "arch",
        settings: Settings {
            batch: 50,
            precision: "fp32".into(),
            optimizer: "none".into(),
            convention: "cnnsize".into(),
            dims: Vec::new(),
        },
        totals: Totals {
            parameters: count(903_400),
            trainable: count(903_400),
            frozen: count(0),
            buffers: count(0),
            parameter_bytes: bytes(3_613_600),
            buffer_bytes: bytes(0),
            input_bytes: bytes(36_000_000),
            activation_bytes: bytes(526_000_000),
            macs: AtLeast::exact(Macs(69_975_000_000)),
            flops: count(139_950_000_000),
            operations: Operations { add: 131_500_000, ..Operations::default() },
            operations_incomplete: false,
        },
        inference: inference(450_000_000, 562_000_000),
        training: Training { minimum: bytes(565_613_600) },
        inputs: vec![tensor("input", &[50, 3, 200, 300])],
        layers: vec![
            layer(1, "input", [50, 100, 100, 150], 2_800, 2_025_000_000),
            layer(2, "conv1", [50, 200, 50, 75], 180_200, 33_750_000_000),
            layer(3, "conv2", [50, 400, 25, 38], 720_400, 34_200_000_000),
        ],
        unknown: Vec::new(),
        diagnostics: Vec::new(),
    };
    let single = Some(inference(9_000_000, 11_240_000));
    let figures = Figures { report, single, layout: Layout::Channels };
    Entry { outcome: Outcome::Sized(Box::new(figures)), sources: Rc::new(sources) }
}

/// Names that no writer for people may let through as they are.
pub(super) const HOSTILE: &[&str] = &[
    "\u{1b}[31mred\u{9b}2J",
    "\u{202e}gpj.exe\u{2066}",
    "a\nb\r\tc",
    "::stop-commands::x",
    "##[command]rm",
    "=cmd|'/C calc'!A0",
    "</script><img src=x onerror=alert(1)>",
    "|`@me`|[x](javascript:y)",
    "-1+1,\"2\"",
];

/// The exercise with hostile names wherever a file gives names.
pub(super) fn hostile(name: &str) -> Entry {
    let mut entry = textbook();
    if let Outcome::Sized(figures) = &mut entry.outcome {
        let report = &mut figures.report;
        report.name = name.into();
        report.source = name.into();
        report.settings.precision = name.into();
        report.inputs[0].name = name.into();
        report.inference.overwriting_at = Some(name.into());
        for layer in &mut report.layers {
            layer.name = name.into();
            layer.op = name.into();
            layer.group = name.into();
            layer.scope = name.into();
            layer.origin = Origin::Node { name: name.into(), index: 0 };
            layer.outputs[0].name = name.into();
            layer.receptive_field =
                [Field { input: name.into(), size: vec![3], stride: vec![(1, 2)], offset: vec![-1] }].into();
        }
        report.unknown.push(Unknown { layer: name.into(), op: name.into(), quantity: "macs", reason: name.into() });
        report.diagnostics.push(
            Diagnostic::warning("sample", Origin::Node { name: name.into(), index: 0 }, name)
                .note(name)
                .help(name)
                .label(name),
        );
    }
    entry
}
