//! The conventions, and those that are not offered.

use super::{Convention, Flops, Rule, hooks};
use crate::ops::price::{Each, ONNX_OPCOUNTER, ONNX_TOOL, Term};
use crate::ops::rules::Class;

const PRODUCTS: &[Class] = &[
    Class::Convolution,
    Class::TransposedConvolution,
    Class::Dense,
    Class::PositionDense,
    Class::Recurrent,
    Class::Product,
];
const BIASED: &[Class] =
    &[Class::Convolution, Class::TransposedConvolution, Class::Dense, Class::PositionDense, Class::Recurrent];
const BATCH_NORM: &[Class] = &[Class::BatchNorm];
const OTHER_NORMS: &[Class] = &[Class::LayerNorm, Class::GroupNorm, Class::InstanceNorm, Class::OtherNorm];
const NORMS: &[Class] = &[Class::BatchNorm, Class::LayerNorm, Class::GroupNorm, Class::InstanceNorm, Class::OtherNorm];
const AVERAGES: &[Class] = &[Class::GlobalAveragePool, Class::AdaptiveAveragePool, Class::AveragePool, Class::Mean];
const FOURFOLD: &[Class] = &[Class::Bilinear, Class::Sampling];

const MACS: Term = Term::of(PRODUCTS, Each::Mac, 1);
const BIASES: Term = Term::of(BIASED, Each::Bias, 1);

/// Every convention that a graph determines, or bounds from below.
pub static CONVENTIONS: &[Convention] = &[
    Convention {
        name: "cnnsize",
        doc: "multiply-accumulates of convolutions, dense layers and matrix products; FLOPs are twice that",
        source: "the default",
        ..PLAIN
    },
    Convention {
        name: "torch",
        doc: "torch's FlopCounterMode: the same, given as FLOPs",
        source: "torch 2.15.0, torch.utils.flop_counter",
        ..PLAIN
    },
    Convention {
        name: "torchvision",
        doc: "torchvision's published `_ops`: multiply-accumulates, called GFLOPS in its tables",
        source: "torchvision 0.29.2, weights' metadata",
        flops: Flops::Times(1),
        ..PLAIN
    },
    Convention {
        name: "onnxsim",
        doc: "onnxsim's `model_info`: the same, on graphs of unfused float operators",
        source: "onnxsim 0.8.1, onnxsim.model_info.ModelInfo",
        ..PLAIN
    },
    Convention {
        name: "ptflops-aten",
        doc: "with one for every bias that is added",
        source: "ptflops 0.7.5, aten backend",
        macs: Rule::Terms(&[MACS, BIASES]),
        ..PLAIN
    },
    Convention {
        name: "torchprofile",
        doc: "with one an output for norms, average pooling, means, leaky rectifiers and products of two tensors",
        source: "torchprofile 0.1.0",
        faults: &["a transposed convolution counts its stride too, once for each axis"],
        macs: Rule::Terms(&[
            MACS,
            Term::of(NORMS, Each::Output, 1),
            Term::of(AVERAGES, Each::Output, 1),
            Term::of(&[Class::Multiply, Class::LeakyRectifier], Each::Output, 1),
            Term::of(FOURFOLD, Each::Output, 4),
        ]),
        ..PLAIN
    },
    Convention {
        name: "fvcore",
        doc: "with 2 an element for batch norm, 5 for other norms, 1 an input for global average pooling; called flops",
        source: "fvcore 0.1.5.post20221221",
        faults: &["attention that PyTorch computes in one call counts as nothing"],
        macs: Rule::Terms(&[
            MACS,
            Term::of(BATCH_NORM, Each::Output, 2),
            Term::of(OTHER_NORMS, Each::Output, 5),
            Term::of(&[Class::GlobalAveragePool, Class::AdaptiveAveragePool], Each::Input, 1),
            Term::of(&[Class::Nearest], Each::Output, 1),
            Term::of(FOURFOLD, Each::Output, 4),
        ]),
        flops: Flops::Times(1),
        ..PLAIN
    },
    Convention {
        name: "torchinfo",
        doc: "with every bias that is added, and a batch norm's scale and shift once",
        source: "torchinfo 1.8.0",
        faults: &[
            "a dense layer at each position counts for one position",
            "a transposed convolution counts its stride too, once for each axis",
        ],
        macs: Rule::Terms(&[MACS, BIASES, Term::of(BATCH_NORM, Each::Channel, 2)]),
        ..PLAIN
    },
    hooks::THOP,
    hooks::PTFLOPS,
    hooks::PTFLOPS_AS_PRINTED,
    hooks::CALFLOPS,
    Convention {
        name: "onnx-tool",
        doc: "a price for each ONNX operator: 1 a multiplication, addition or comparison, 4 a division, 32 an exponential",
        source: "onnx-tool 1.0.1, node.py",
        faults: &[
            "a transposed convolution counts for each output what only each input is multiplied with",
            "a pool over three axes counts the first two sizes of its window",
            "a recurrent layer of two directions counts the functions of one",
            "where its own inference of shapes fails, it counts other sizes or stops",
        ],
        macs: Rule::Prices(&ONNX_TOOL),
        flops: Flops::Times(2),
        ..PLAIN
    },
    Convention {
        name: "onnx-opcounter",
        doc: "2 an element for batch norm, 11 for linear interpolation, 1 for each value of any operator it does not know",
        source: "onnx-opcounter 0.0.4, onnx_opcounter.py",
        faults: &[
            "a transposed convolution counts for each output what only each input is multiplied with",
            "a size that onnx's inference of shapes does not give, a free batch too, counts as 0",
        ],
        macs: Rule::Prices(&ONNX_OPCOUNTER),
        ..PLAIN
    },
    Convention {
        name: "goodfellow",
        doc: "a sum of k products is k multiplications and k − 1 additions: FLOPs are 2k − 1 an output",
        source: "Goodfellow, Bengio, Courville, Deep Learning (2016), figure 9.6",
        flops: Flops::Terms(&[Term::of(PRODUCTS, Each::Mac, 2), Term::of(PRODUCTS, Each::Output, -1)]),
        ..PLAIN
    },
];

const PLAIN: Convention = Convention {
    name: "",
    doc: "",
    source: "",
    macs: Rule::Terms(&[MACS]),
    flops: Flops::Times(2),
    doubts: &[],
    faults: &[],
};

/// Conventions that people ask for and that are not offered, with the reason.
pub static REFUSED: &[(&str, &str)] = &[
    ("deepspeed", "calflops was made from its profiler; say `calflops`, which was held against that tool's figures"),
    ("ultralytics", "its GFLOPs are twice thop's figure; say `thop`, which gives that as FLOPs"),
    ("timm", "its `infer_gmacs` are fvcore's; say `fvcore`"),
    ("keras", "the TensorFlow profiler counts the operations of its own fused graph, which is not this one"),
    ("convnet-burden", "it charges pools by their stride and not by their window, and knows MatConvNet's layers only"),
];
