//! Counting conventions: what other tools and papers call the "MACs" or "FLOPs" of the same network. Each is a small
//! table of what an operator is charged; the operator says how much of what there is, by class.
//!
//! The default, `cnnsize`, counts multiply-accumulates of convolutions, dense layers and matrix products, without
//! biases, and two floating-point operations for each: what papers and torchvision publish.

use crate::ops::rules::{Arithmetic, At, Class};

/// A named way of counting.
#[derive(Debug)]
pub struct Convention {
    /// Its name, as `--convention` takes it.
    pub name: &'static str,
    /// What it counts, in a line.
    pub doc: &'static str,
    /// Whose rule it is, with the version that was read and run.
    pub source: &'static str,
    /// Terms of the figure that the tool gives for multiply-accumulates.
    macs: &'static [Term],
    /// What it gives for floating-point operations.
    flops: Flops,
}

/// How a convention's floating-point operations follow.
#[derive(Clone, Copy, Debug)]
enum Flops {
    /// So many for each multiply-accumulate (1 where the tool calls that figure "FLOPs").
    Times(u64),
    /// Terms of their own.
    Terms(&'static [Term]),
}

/// A charge: for operators of these classes, so many for each of something.
#[derive(Debug)]
struct Term {
    classes: &'static [Class],
    each: Each,
    times: i64,
}

/// What is charged for.
#[derive(Clone, Copy, Debug)]
enum Each {
    Mac,
    Bias,
    Input,
    Output,
    /// Channels of the input.
    Channel,
}

/// Sizes around an operator that conventions charge for; `None` where one is not known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    inputs: Option<u64>,
    outputs: Option<u64>,
    channels: Option<u64>,
}

impl Sizes {
    pub(super) fn of(at: &At) -> Sizes {
        let channels = at.dims(0).and_then(|d| d.get(1)).and_then(crate::tensor::Dim::size);
        Sizes { inputs: at.input_elements(0), outputs: at.output_elements(0), channels }
    }
}

const PRODUCTS: &[Class] = &[Class::Convolution, Class::TransposedConvolution, Class::Dense, Class::Product];
const BIASED: &[Class] = &[Class::Convolution, Class::TransposedConvolution, Class::Dense];
const NORMS: &[Class] = &[Class::BatchNorm];
const OTHER_NORMS: &[Class] = &[Class::OtherNorm];
const GLOBAL_POOLS: &[Class] = &[Class::GlobalAveragePool];
const AVERAGES: &[Class] = &[Class::GlobalAveragePool, Class::AveragePool];
const GATES: &[Class] = &[Class::Multiply];

const fn term(classes: &'static [Class], each: Each, times: i64) -> Term {
    Term { classes, each, times }
}

const MACS: Term = term(PRODUCTS, Each::Mac, 1);

/// Every convention that a graph alone determines.
pub static CONVENTIONS: &[Convention] = &[
    Convention {
        name: "cnnsize",
        doc: "multiply-accumulates of convolutions, dense layers and matrix products; FLOPs are twice that",
        source: "the default",
        macs: &[MACS],
        flops: Flops::Times(2),
    },
    Convention {
        name: "torch",
        doc: "torch's FlopCounterMode: the same, given as FLOPs",
        source: "torch 2.15.0, torch.utils.flop_counter",
        macs: &[MACS],
        flops: Flops::Times(2),
    },
    Convention {
        name: "torchvision",
        doc: "torchvision's published `_ops`: multiply-accumulates, called GFLOPS in its tables",
        source: "torchvision 0.29.2, weights' metadata",
        macs: &[MACS],
        flops: Flops::Times(1),
    },
    Convention {
        name: "onnxsim",
        doc: "onnxsim's `model_info`: the same, on graphs of unfused float operators",
        source: "onnxsim 0.8.1, onnxsim.model_info.ModelInfo",
        macs: &[MACS],
        flops: Flops::Times(2),
    },
    Convention {
        name: "ptflops-aten",
        doc: "with one for every bias that is added",
        source: "ptflops 0.7.5, aten backend",
        macs: &[MACS, term(BIASED, Each::Bias, 1)],
        flops: Flops::Times(2),
    },
    Convention {
        name: "torchprofile",
        doc: "with one an element for batch norm and one an output for average pooling and for products of two tensors",
        source: "torchprofile 0.1.0",
        macs: &[MACS, term(NORMS, Each::Output, 1), term(AVERAGES, Each::Output, 1), term(GATES, Each::Output, 1)],
        flops: Flops::Times(2),
    },
    Convention {
        name: "fvcore",
        doc: "with 2 an element for batch norm, 5 for layer norm, 1 an input for global average pooling; called flops",
        source: "fvcore 0.1.5.post20221221",
        macs: &[
            MACS,
            term(NORMS, Each::Output, 2),
            term(OTHER_NORMS, Each::Output, 5),
            term(GLOBAL_POOLS, Each::Input, 1),
        ],
        flops: Flops::Times(1),
    },
    Convention {
        name: "torchinfo",
        doc: "with every bias that is added, and a batch norm's scale and shift once",
        source: "torchinfo 1.8.0",
        macs: &[MACS, term(BIASED, Each::Bias, 1), term(NORMS, Each::Channel, 2)],
        flops: Flops::Times(2),
    },
    Convention {
        name: "goodfellow",
        doc: "a sum of k products is k multiplications and k − 1 additions: FLOPs are 2k − 1 an output",
        source: "Goodfellow, Bengio, Courville, Deep Learning (2016), figure 9.6",
        macs: &[MACS],
        flops: Flops::Terms(&[term(PRODUCTS, Each::Mac, 2), term(PRODUCTS, Each::Output, -1)]),
    },
];

/// Conventions that people ask for and that are not offered, with the reason.
pub static REFUSED: &[(&str, &str)] = &[
    (
        "thop",
        "it counts pools that are modules and not those that are function calls, and which is which is not in a graph",
    ),
    ("ptflops", "its PyTorch backend counts modules and functional calls apart, and which is which is not in a graph"),
    (
        "calflops",
        "it counts by patched Python calls, so `+` and functional calls differ from modules, which a graph does not tell",
    ),
    ("deepspeed", "its profiler counts by patched Python calls, which are not in a graph"),
    ("ultralytics", "its GFLOPs are twice thop's figure, which depends on what is a module and what a function call"),
    ("timm", "its `infer_gmacs` are fvcore's; say `fvcore`"),
    ("keras", "the TensorFlow profiler counts the operations of its own fused graph, which is not this one"),
    (
        "onnx-tool",
        "it has a charge of its own for each function (24 a square root, 32 an exponential), and here those are not told apart",
    ),
    ("onnx-opcounter", "it charges 1 for each value that an operator delivers which it does not know, copies included"),
    ("convnet-burden", "it charges pools by their stride and not by their window, and knows MatConvNet's layers only"),
];

/// The convention of this name.
pub fn find(name: &str) -> Option<&'static Convention> {
    CONVENTIONS.iter().find(|c| c.name == name)
}

/// The default.
pub fn default() -> &'static Convention {
    &CONVENTIONS[0]
}

impl Convention {
    /// What an operator is charged: multiply-accumulates and floating-point operations; `None` where a size is
    /// not known or the count is beyond 64 bits.
    pub(super) fn charge(&self, arithmetic: &Arithmetic, sizes: Sizes) -> Option<(u64, u64)> {
        let macs = sum(self.macs, arithmetic, sizes)?;
        let flops = match self.flops {
            Flops::Times(n) => macs.checked_mul(n)?,
            Flops::Terms(terms) => sum(terms, arithmetic, sizes)?,
        };
        Some((macs, flops))
    }

    /// Whether operators of this class are charged for nothing but multiply-accumulates and biases.
    pub(super) fn ignores(&self, class: Class) -> bool {
        let flops: &[Term] = if let Flops::Terms(terms) = self.flops { terms } else { &[] };
        let sized = |t: &Term| !matches!(t.each, Each::Mac | Each::Bias) && t.classes.contains(&class);
        !self.macs.iter().chain(flops).any(sized)
    }
}

fn sum(terms: &[Term], arithmetic: &Arithmetic, sizes: Sizes) -> Option<u64> {
    let mut total = 0i128;
    for term in terms.iter().filter(|t| t.classes.contains(&arithmetic.class)) {
        let n = match term.each {
            Each::Mac => arithmetic.macs,
            Each::Bias => arithmetic.biases,
            Each::Input => sizes.inputs?,
            Each::Output => sizes.outputs?,
            Each::Channel => sizes.channels?,
        };
        total = total.checked_add(i128::from(n).checked_mul(i128::from(term.times))?)?;
    }
    u64::try_from(total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_amount_matters_only_to_conventions_that_charge_for_it() {
        let fvcore = find("fvcore").unwrap();
        assert!(default().ignores(Class::OtherNorm) && default().ignores(Class::Other));
        assert!(!fvcore.ignores(Class::OtherNorm) && fvcore.ignores(Class::Other));
        assert!(!find("goodfellow").unwrap().ignores(Class::Product));
    }
}
