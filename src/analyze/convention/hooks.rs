//! Conventions of tools that hook PyTorch's modules and functions.

use super::{Convention, Doubt, Flops, More, Of, Rule};
use crate::ops::price::{Each, Term};
use crate::ops::rules::Class;

/// Layers with kernels or matrices of their own.
const WEIGHTED: &[Class] = &[Class::Convolution, Class::TransposedConvolution, Class::Dense];
const WINDOWS: &[Class] = &[Class::Convolution, Class::TransposedConvolution];
const POSITIONS: &[Class] = &[Class::PositionDense];
const POOLS: &[Class] = &[Class::MaxPool, Class::AveragePool, Class::AdaptiveAveragePool];
const GLOBAL: &[Class] = &[Class::GlobalAveragePool];
const INTERPOLATIONS: &[Class] = &[Class::Nearest, Class::Linear, Class::Bilinear, Class::Multilinear, Class::Cubic];

const FUNCTION: &str = "as a function call";
const SUBCLASS: &str = "a module of a subclass counts as nothing, since types are compared for equality (torchvision's r3d_18, timm's norms)";

pub(super) const THOP: Convention = Convention {
    name: "thop",
    doc: "with 4 an element for batch norm and layer norm; average pools, softmax and interpolation as modules alone",
    source: "thop 0.1.1.post2209072238, thop.profile",
    faults: &[SUBCLASS, "a transposed convolution counts its stride too, once for each axis"],
    macs: Rule::Terms(&[
        Term::of(WEIGHTED, Each::Mac, 1),
        Term::of(&[Class::BatchNorm, Class::LayerNorm], Each::Input, 4),
        Term::of(&[Class::ParametricRectifier], Each::Input, 1),
    ]),
    flops: Flops::Times(2),
    doubts: &[
        module(POSITIONS, &[(&[(Each::Mac, 1)], "as nn.Linear")], "as F.linear, or inside nn.MultiheadAttention"),
        module(
            &[Class::GlobalAveragePool, Class::AdaptiveAveragePool],
            &[(&[(Each::Input, 1), (Each::Output, 1)], "as nn.AdaptiveAvgPool2d")],
            FUNCTION,
        ),
        module(
            &[Class::AveragePool],
            &[
                (&[(Each::Output, 1)], "as nn.AvgPool2d"),
                (&[(Each::Input, 1), (Each::Output, 1)], "as nn.AdaptiveAvgPool2d"),
            ],
            FUNCTION,
        ),
        other(&[Class::Mean], &[(&[(Each::Input, 1), (Each::Output, 1)], "as nn.AdaptiveAvgPool2d")], "as a mean"),
        module(&[Class::Softmax], &[(&[(Each::Input, 3), (Each::Window, -1)], "as nn.Softmax")], FUNCTION),
        module(&[Class::Nearest], &[(&[(Each::Output, 1)], "as nn.Upsample")], FUNCTION),
        module(&[Class::Linear], &[(&[(Each::Output, 5)], "as nn.Upsample")], FUNCTION),
        module(&[Class::Bilinear], &[(&[(Each::Output, 11)], "as nn.Upsample")], FUNCTION),
        module(&[Class::Cubic], &[(&[(Each::Output, 259)], "as nn.Upsample")], FUNCTION),
        module(
            &[Class::InstanceNorm],
            &[(&[(Each::Input, 2)], "as nn.InstanceNorm2d"), (&[(Each::Input, 4)], "as one with scale and shift")],
            "as part of nn.GroupNorm",
        ),
        other(
            &[Class::Recurrent],
            &[
                (&[(Each::Mac, 1), (Each::Output, 16)], "as nn.LSTM with biases"),
                (&[(Each::Mac, 1), (Each::Output, 13)], "as nn.GRU with biases"),
                (&[(Each::Mac, 1), (Each::Output, 3)], "as nn.RNN with biases"),
            ],
            "as a module of another kind",
        ),
    ],
};

/// What ptflops charges whichever way it is written.
const PTFLOPS_SURE: &[Term] = &[
    Term::of(WEIGHTED, Each::Mac, 1),
    Term::of(WEIGHTED, Each::Bias, 1),
    Term::of(&[Class::BatchNorm, Class::GroupNorm], Each::Input, 2),
    Term::of(&[Class::LayerNorm, Class::InstanceNorm], Each::Input, 1),
    Term::of(FUNCTIONS, Each::Output, 1),
    Term::of(POOLS, Each::Input, 1),
    Term::of(INTERPOLATIONS, Each::Output, 1),
];

/// Activation functions that it knows as modules and as functions.
const FUNCTIONS: &[Class] =
    &[Class::Rectifier, Class::Rectifier6, Class::ParametricRectifier, Class::Elu, Class::Gelu, Class::Silu];

pub(super) const PTFLOPS: Convention = Convention {
    name: "ptflops",
    doc: "with biases, 2 an element for batch norm, 1 for rectifiers and interpolation, 1 an input for pools",
    source: "ptflops 0.7.5, pytorch backend, each operator once",
    faults: &[
        SUBCLASS,
        "most activations, pools and interpolations count twice, as modules and as the functions that these call \
         (`ptflops-as-printed` does so too)",
    ],
    macs: Rule::Terms(PTFLOPS_SURE),
    flops: Flops::Times(2),
    doubts: &[
        module(POSITIONS, &[(&[(Each::Mac, 1), (Each::Bias, 1)], "as nn.Linear")], "as F.linear"),
        other(&[Class::Product], &[(&[(Each::Mac, 1)], "as torch.matmul")], "as `@`, or inside attention"),
        other(&[Class::Add], &[(&[(Each::Output, 1)], "as torch.add")], "as `+`"),
        other(&[Class::Multiply], &[(&[(Each::Output, 1)], "as torch.mul")], "as `*`"),
        module(&[Class::LeakyRectifier], &[(&[(Each::Output, 1)], "as nn.LeakyReLU")], FUNCTION),
        module(&[Class::Softmax], &[(&[(Each::Output, 1)], "as nn.Softmax")], "as torch.softmax"),
        module(&[Class::ErrorFunction], &[(&[(Each::Output, 1)], "as part of nn.GELU")], "alone"),
        other(&[Class::Tanh], &[(&[(Each::Output, 1)], "as part of nn.GELU")], "alone"),
        module(GLOBAL, &[(&[(Each::Input, 1)], "as nn.AdaptiveAvgPool2d")], "as a mean"),
        other(&[Class::Mean], &[(&[(Each::Input, 1)], "as nn.AdaptiveAvgPool2d")], "as a mean"),
        other(
            &[Class::InstanceNorm],
            &[(&[(Each::Input, 1)], "with scale and shift, or as part of nn.GroupNorm")],
            "without",
        ),
        other(&[Class::Recurrent], &[(&[(Each::Mac, 1), (Each::Bias, 1)], "as a module")], "as another module"),
    ],
};

pub(super) const PTFLOPS_AS_PRINTED: Convention = Convention {
    name: "ptflops-as-printed",
    doc: "ptflops with its fault, where every layer is a module of torch.nn: pools and most activations count twice",
    source: "ptflops 0.7.5, pytorch backend",
    faults: &[SUBCLASS, "a function that is called outside of a module counts once"],
    macs: Rule::Terms(&[
        Term::of(WEIGHTED, Each::Mac, 1),
        Term::of(WEIGHTED, Each::Bias, 1),
        Term::of(POSITIONS, Each::Mac, 1),
        Term::of(POSITIONS, Each::Bias, 1),
        Term::of(&[Class::BatchNorm, Class::GroupNorm], Each::Input, 2),
        Term::of(&[Class::LayerNorm, Class::InstanceNorm], Each::Input, 1),
        Term::of(&[Class::Rectifier, Class::ParametricRectifier, Class::Elu, Class::Gelu], Each::Output, 2),
        // One hook each: nn.ReLU6 calls F.hardtanh, and nn.SiLU, nn.Softmax are no modules that it knows.
        Term::of(&[Class::Rectifier6, Class::LeakyRectifier, Class::Silu, Class::Softmax], Each::Output, 1),
        Term::of(POOLS, Each::Input, 2),
        Term::of(GLOBAL, Each::Input, 2),
        Term::of(INTERPOLATIONS, Each::Output, 2),
    ]),
    flops: Flops::Times(2),
    doubts: &[],
};

pub(super) const CALFLOPS: Convention = Convention {
    name: "calflops",
    doc: "FLOPs with 2 an element for batch norm, 5 for other norms, 1 for rectifiers, 1 an input for pools",
    source: "calflops 0.3.2",
    faults: &[
        "a grouped transposed convolution is divided by its groups twice",
        "the bias of a transposed convolution counts as for one that is not transposed",
    ],
    macs: Rule::Terms(&[Term::of(WEIGHTED, Each::Mac, 1)]),
    flops: Flops::Terms(&[
        Term::of(WEIGHTED, Each::Mac, 2),
        Term::of(WINDOWS, Each::Bias, 1),
        Term::of(&[Class::BatchNorm], Each::Input, 2),
        Term::of(&[Class::LayerNorm, Class::GroupNorm], Each::Input, 5),
        Term::of(&[Class::InstanceNorm], Each::Input, 4),
        Term::of(
            &[
                Class::Rectifier,
                Class::LeakyRectifier,
                Class::ParametricRectifier,
                Class::Elu,
                Class::Gelu,
                Class::Silu,
            ],
            Each::Output,
            1,
        ),
        Term::of(POOLS, Each::Input, 1),
    ]),
    doubts: &[
        module(POSITIONS, &[(&[(Each::Mac, 1)], "as nn.Linear")], "inside nn.MultiheadAttention"),
        flops(module(POSITIONS, &[(&[(Each::Mac, 2)], "as nn.Linear")], "inside nn.MultiheadAttention")),
        other(&[Class::Product], &[(&[(Each::Mac, 1)], "as torch.matmul")], "as `@`, or inside attention"),
        flops(other(&[Class::Product], &[(&[(Each::Mac, 2)], "as torch.matmul")], "as `@`, or inside attention")),
        flops(other(&[Class::Add], &[(&[(Each::Output, 1)], "as torch.add")], "as `+`")),
        flops(other(&[Class::Multiply], &[(&[(Each::Output, 1)], "as torch.mul")], "as `*`")),
        flops(other(&[Class::Rectifier6], &[(&[(Each::Output, 1)], "as F.relu6")], "as nn.ReLU6")),
        flops(module(&[Class::Softmax], &[(&[(Each::Output, 1)], "as nn.Softmax")], "as torch.softmax")),
        flops(module(&[Class::ErrorFunction], &[(&[(Each::Output, 1)], "as part of nn.GELU")], "alone")),
        flops(other(&[Class::Tanh], &[(&[(Each::Output, 1)], "as part of nn.GELU")], "alone")),
        flops(module(GLOBAL, &[(&[(Each::Input, 1)], "as nn.AdaptiveAvgPool2d")], "as a mean")),
        flops(other(&[Class::Mean], &[(&[(Each::Input, 1)], "as nn.AdaptiveAvgPool2d")], "as a mean")),
        flops(module(
            INTERPOLATIONS,
            &[(&[(Each::Input, 1)], "by a factor")],
            "by a size, but for its height times its width",
        )),
        flops(other(
            &[Class::InstanceNorm],
            &[(&[(Each::Input, 1)], "with scale and shift, or as part of nn.GroupNorm")],
            "without",
        )),
        flops(other(&[Class::Recurrent], &[(&[(Each::Mac, 2)], "as a module")], "as another module")),
    ],
};

/// A charge for what may be a module of `torch.nn`, as it commonly is.
const fn module(classes: &'static [Class], more: More, nothing: &'static str) -> Doubt {
    Doubt { module: true, ..other(classes, more, nothing) }
}

/// A charge for what may be written in a way that the tool sees.
const fn other(classes: &'static [Class], more: More, nothing: &'static str) -> Doubt {
    Doubt { classes, of: Of::Macs, more, module: false, nothing }
}

/// The same in the figure for floating-point operations.
const fn flops(doubt: Doubt) -> Doubt {
    Doubt { of: Of::Flops, ..doubt }
}
