//! onnx-opcounter 0.0.4, as its `onnx_opcounter.py` has it: multiply-accumulates without biases, 2 for each element of a
//! batch normalisation, 11 for each of a linear interpolation, and 1 for each value that an operator delivers which it
//! does not know, copies included.
//!
//! The rule and not its fault: the tool charges a transposed convolution as if each output looked at the whole kernel,
//! where this list has the products that there are.

use super::{Each, PriceList, Term, row};
use crate::ops::rules::Class;

/// Its prices.
pub static ONNX_OPCOUNTER: PriceList = PriceList {
    tool: "onnx-opcounter 0.0.4",
    rows: &[
        row(FREE, &[]),
        row(&["Conv", "ConvTranspose", "Gemm", "MatMul"], &[Term::any(Each::Mac, 1)]),
        row(&["BatchNormalization"], &[Term::any(Each::Output, 2)]),
        // Not what comes out: where a small tensor is added to a large one, the first one's size counts.
        row(&["Relu", "Add"], &[Term::any(Each::Input, 1)]),
        // It stops at a cubic one.
        row(
            &["Resize", "Upsample"],
            &[Term::of(LINEAR, Each::Output, 11), Term::of(&[Class::Nearest], Each::Output, 0)],
        ),
    ],
    otherwise: Some(&[Term::any(Each::Output, 1)]),
    scalars: true,
};

const LINEAR: &[Class] = &[Class::Linear, Class::Bilinear, Class::Multilinear];

const FREE: &[&str] = &[
    "Constant",
    "Reshape",
    "Slice",
    "Shape",
    "Gather",
    "ScatterND",
    "Tile",
    "Transpose",
    "Sign",
    "Squeeze",
    "Unsqueeze",
    "Split",
    "Cast",
];
