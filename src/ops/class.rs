//! What an operator's arithmetic is, as far as somebody counts it in a way of its own.

/// The class of an operator's arithmetic: what a counting convention may charge it for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Convolution of any kind.
    Convolution,
    /// Transposed convolution.
    TransposedConvolution,
    /// A matrix product of rows with stored weights, and perhaps a bias.
    Dense,
    /// The same where the rows lie along more than one axis: a dense layer at each position of a sequence.
    PositionDense,
    /// The gates of a recurrent layer.
    Recurrent,
    /// A product of two computed matrices, attention included.
    Product,
    /// Batch normalisation.
    BatchNorm,
    /// Layer normalisation.
    LayerNorm,
    /// Group normalisation.
    GroupNorm,
    /// Instance normalisation.
    InstanceNorm,
    /// Normalisation by the root mean square, across channels alone, or fused with something else.
    OtherNorm,
    /// Normalisation across channels or by a norm, without parameters.
    ResponseNorm,
    /// max(x, 0).
    Rectifier,
    /// x, or a part of it below zero.
    LeakyRectifier,
    /// The same with a part that is learned.
    ParametricRectifier,
    /// x between 0 and 6.
    Rectifier6,
    /// x between other limits.
    Clip,
    /// The exponential linear unit.
    Elu,
    /// x · Φ(x).
    Gelu,
    /// x · sigmoid(x).
    Silu,
    /// 1 / (1 + e^−x).
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// The error function.
    ErrorFunction,
    /// Other activation functions.
    Activation,
    /// Softmax.
    Softmax,
    /// Its logarithm.
    LogSoftmax,
    /// Max-pooling.
    MaxPool,
    /// Average pooling over windows.
    AveragePool,
    /// Average pooling to a given size.
    AdaptiveAveragePool,
    /// Average pooling over everything.
    GlobalAveragePool,
    /// Addition of tensors.
    Add,
    /// Subtraction of two tensors.
    Subtract,
    /// Multiplication of tensors.
    Multiply,
    /// Division of two tensors.
    Divide,
    /// The nearest neighbour, which costs nothing to compute.
    Nearest,
    /// Linear interpolation of maps of one dimension.
    Linear,
    /// Linear interpolation of maps of two dimensions.
    Bilinear,
    /// Linear interpolation of maps of more dimensions.
    Multilinear,
    /// Cubic interpolation.
    Cubic,
    /// Interpolation at positions that are computed.
    Sampling,
    /// Means over axes.
    Mean,
    /// Sums and extrema over axes.
    Reduction,
    /// Any other arithmetic.
    Other,
}

impl Class {
    /// What people call such layers.
    pub fn words(self) -> &'static str {
        match self {
            Class::Convolution => "convolutions",
            Class::TransposedConvolution => "transposed convolutions",
            Class::Dense => "dense layers",
            Class::PositionDense => "dense layers at each position",
            Class::Recurrent => "recurrent layers",
            Class::Product => "products of computed matrices",
            Class::BatchNorm => "batch norms",
            Class::LayerNorm => "layer norms",
            Class::GroupNorm => "group norms",
            Class::InstanceNorm => "instance norms",
            Class::OtherNorm => "other norms",
            Class::ResponseNorm => "response norms",
            Class::Rectifier => "rectifiers",
            Class::LeakyRectifier => "leaky rectifiers",
            Class::ParametricRectifier => "parametric rectifiers",
            Class::Rectifier6 => "rectifiers up to 6",
            Class::Clip => "clipping",
            Class::Elu => "exponential linear units",
            Class::Gelu => "GELU",
            Class::Silu => "SiLU",
            Class::Sigmoid => "sigmoids",
            Class::Tanh => "hyperbolic tangents",
            Class::ErrorFunction => "error functions",
            Class::Activation => "other activation functions",
            Class::Softmax => "softmax",
            Class::LogSoftmax => "logarithms of softmax",
            Class::MaxPool => "max-pools",
            Class::AveragePool => "average pools",
            Class::AdaptiveAveragePool => "average pools to a size",
            Class::GlobalAveragePool => "global average pools",
            Class::Add => "additions",
            Class::Subtract => "subtractions",
            Class::Multiply => "multiplications",
            Class::Divide => "divisions",
            Class::Nearest => "nearest neighbours",
            Class::Linear => "linear interpolations",
            Class::Bilinear => "bilinear interpolations",
            Class::Multilinear => "trilinear interpolations",
            Class::Cubic => "cubic interpolations",
            Class::Sampling => "sampling at computed positions",
            Class::Mean => "means",
            Class::Reduction => "sums and extrema",
            Class::Other => "other arithmetic",
        }
    }
}
