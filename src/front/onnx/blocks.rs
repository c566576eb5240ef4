//! How many channels lie in the blocks of a graph that ONNX Runtime's optimiser wrote. The last block is filled up to the
//! width of the processor's vectors, which the file does not say; a convolution that reads the blocks has weights for all
//! that is in them.

use super::convert::Converter;
use crate::graph::NodeId;
use crate::ops::rules::OpKind;
use crate::tensor::{Dim, Shape, TensorType, ValueType};

impl Converter<'_> {
    /// Completes the type of the blocks that a convolution reads.
    pub(super) fn take_blocks(&mut self, kind: &OpKind, reader: NodeId) {
        if (kind.domain, kind.name) != ("com.microsoft.nchwc", "Conv") {
            return;
        }
        let node = self.builder.node(reader);
        let (Some(Some(x)), Some(Some(weight))) = (node.inputs.first().copied(), node.inputs.get(1).copied()) else {
            return;
        };
        let group = node.attributes.int("group").ok().flatten().unwrap_or(1);
        let of_group = self.builder.get(weight).ty.tensor().and_then(|t| t.shape.dims()?.get(1).cloned());
        let (Some(of_group), ValueType::Tensor(tensor)) = (of_group, self.builder.get(x).ty.clone()) else { return };
        let Shape::Ranked(mut dims) = tensor.shape else { return };
        if let Some(channels) = dims.get_mut(1).filter(|channels| **channels == Dim::Unknown) {
            *channels = of_group.times(&Dim::Known(group));
            self.builder.set_type(x, ValueType::Tensor(TensorType { shape: Shape::Ranked(dims), ..tensor }));
        }
    }
}
