//! onnx-tool 1.0.1, as its `node.py` has it: `MUL`, `ADD` and comparisons count 1 "MAC", a division 4, a square root 24,
//! an exponential or power 32, a sine or cosine 39, a logarithm 43.
//!
//! The rule and not its faults: the tool charges a transposed convolution for (outputs × channels out / groups × kernel),
//! where this list has the products that there are; a pool over three axes for the first two sizes of its window; and a
//! recurrent layer of two directions for the functions of one.

use super::{Each, PriceList, Term, row};
use crate::ops::rules::Class;

const fn each(n: i64) -> [Term; 1] {
    [Term::any(Each::Output, n)]
}

const MAC: Term = Term::any(Each::Mac, 1);
const BIAS: Term = Term::any(Each::Bias, 1);

/// Its prices.
pub static ONNX_TOOL: PriceList = PriceList {
    tool: "onnx-tool 1.0.1",
    rows: &[
        row(FREE, &[]),
        row(ONE, &each(1)),
        row(&["Sum"], &[Term::any(Each::Other, 1)]),
        row(&["LeakyRelu", "PRelu", "Clip", "QuantizeLinear", "DequantizeLinear"], &each(2)),
        row(&["Div", "Reciprocal", "HardSigmoid"], &each(4)),
        row(&["HardSwish"], &each(5)),
        row(&["InstanceNormalization"], &each(7)),
        row(&["Sqrt"], &each(24)),
        row(&["BatchNormalization"], &each(31)),
        row(&["Exp", "Pow", "Sigmoid"], &each(32)),
        row(&["LpNormalization"], &each(33)),
        row(&["Gelu"], &each(34)),
        row(&["Elu"], &each(35)),
        row(&["Softmax"], &each(36)),
        row(&["Sin", "Cos"], &each(39)),
        row(&["Log"], &each(43)),
        row(&["Atan"], &each(64)),
        row(&["Softplus", "Tanh"], &each(76)),
        row(&["LogSoftmax"], &each(80)),
        row(&["LRN"], &[Term::any(Each::Output, 37), Term::any(Each::Seen, 1)]),
        row(&["LayerNormalization"], &[Term::any(Each::Input, 7), Term::any(Each::Window, 29)]),
        row(&["ReduceMean", "ReduceSum", "ReduceProd", "ReduceMin", "ReduceMax"], &[Term::any(Each::Input, 1)]),
        row(&["ReduceL2"], &[Term::any(Each::Input, 25)]),
        row(&["MaxPool", "AveragePool"], &[Term::any(Each::Seen, 1)]),
        row(&["GlobalAveragePool"], &[Term::any(Each::Input, 1), Term::any(Each::Output, 4)]),
        row(&["Resize", "Upsample"], INTERPOLATION),
        row(&["Conv", "ConvTranspose", "Gemm", "QLinearConv"], &[MAC, BIAS]),
        row(&["MatMul", "ConvInteger", "MatMulInteger", "QLinearMatMul"], &[MAC]),
        row(&["Einsum"], &[MAC, Term::any(Each::Mul, 1)]),
        // Beside the products: biases, their sums, sigmoids, hyperbolic tangents, the new state.
        row(&["LSTM"], &[MAC, BIAS, Term::any(Each::Output, 4 + 3 * 32 + 2 * 38 + 4)]),
        row(&["GRU"], &[MAC, BIAS, Term::any(Each::Output, 3 + 2 * 32 + 38 + 5)]),
    ],
    otherwise: None,
    scalars: false,
};

const INTERPOLATION: &[Term] = &[
    Term::of(&[Class::Linear, Class::Bilinear, Class::Multilinear], Each::Output, 4),
    Term::of(&[Class::Cubic], Each::Output, 8),
    Term::of(&[Class::Nearest], Each::Output, 0),
];

const ONE: &[&str] = &[
    "Abs",
    "Add",
    "And",
    "Ceil",
    "CumSum",
    "Equal",
    "Floor",
    "Greater",
    "GreaterOrEqual",
    "Hardmax",
    "Less",
    "LessOrEqual",
    "Max",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "NonZero",
    "Not",
    "Or",
    "Relu",
    "Round",
    "Sign",
    "Sub",
    "Xor",
];

/// It knows their shapes and charges nothing.
const FREE: &[&str] = &[
    "ArgMax",
    "ArrayFeatureExtractor",
    "Cast",
    "CategoryMapper",
    "Compress",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "DepthToSpace",
    "Dropout",
    "Erf",
    "Expand",
    "Flatten",
    "Gather",
    "GatherElements",
    "GatherND",
    "GridSample",
    "Identity",
    "NonMaxSuppression",
    "OneHot",
    "Pad",
    "RandomNormalLike",
    "RandomUniformLike",
    "Range",
    "Reshape",
    "RoiAlign",
    "ScatterElements",
    "ScatterND",
    "Shape",
    "Slice",
    "Split",
    "Squeeze",
    "Tile",
    "TopK",
    "Transpose",
    "Trilu",
    "Unsqueeze",
    "Where",
    "ZipMap",
];
