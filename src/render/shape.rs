//! Shapes as people write them, without the batch: `64@112x112`, or a framework's tuple.

use super::Layout;
use crate::tensor::{Dim, TensorType, ValueType};

/// The shape of one example. A tensor that does not begin with the batch is written whole, in brackets.
pub(super) fn shape(ty: &ValueType, batch: u64, layout: Layout) -> String {
    match ty {
        ValueType::Tensor(tensor) => of_tensor(tensor, batch, layout),
        ValueType::Sequence(list) => format!("list of {}", shape(list.element(), batch, layout)),
        ValueType::Optional(inner) => format!("optional {}", shape(inner, batch, layout)),
        ValueType::Map(..) => "map".into(),
        ValueType::Unknown => "?".into(),
    }
}

fn of_tensor(tensor: &TensorType, batch: u64, layout: Layout) -> String {
    let Some([first, example @ ..]) = tensor.shape.dims() else { return tensor.shape.to_string() };
    match example {
        [channels, spatial @ ..] if first.size() == Some(batch) => in_layout(channels, spatial, layout),
        _ => tensor.shape.to_string(),
    }
}

fn in_layout(channels: &Dim, spatial: &[Dim], layout: Layout) -> String {
    let sizes = spatial.iter().map(size).collect::<Vec<_>>().join("x");
    let channels = size(channels);
    match layout {
        _ if spatial.is_empty() => channels,
        Layout::Channels => format!("{channels}@{sizes}"),
        Layout::Hwc => format!("{sizes}x{channels}"),
        Layout::Chw => format!("{channels}x{sizes}"),
    }
}

/// A size; a sum of several terms in brackets, so that it is seen where it ends.
fn size(dim: &Dim) -> String {
    let text = dim.to_string();
    if text.contains(' ') { format!("({text})") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{DType, Shape};

    #[test]
    fn the_batch_is_left_out_and_what_has_none_is_written_whole() {
        let ty = |sizes: &[u64]| ValueType::from(TensorType::new(DType::F32, Shape::known(sizes)));
        assert_eq!(shape(&ty(&[50, 64, 112, 96]), 50, Layout::Channels), "64@112x96");
        assert_eq!(shape(&ty(&[50, 64, 112, 96]), 50, Layout::Hwc), "112x96x64");
        assert_eq!(shape(&ty(&[50, 64, 112, 96]), 50, Layout::Chw), "64x112x96");
        assert_eq!(shape(&ty(&[50, 10]), 50, Layout::Hwc), "10");
        assert_eq!(shape(&ty(&[4, 10]), 50, Layout::Chw), "[4, 10]");
        let half = Dim::symbol("H").minus(&Dim::Known(2));
        let open = TensorType::new(DType::F32, Shape::Ranked(vec![Dim::Known(50), Dim::Known(8), half.clone(), half]));
        assert_eq!(shape(&open.into(), 50, Layout::Chw), "8x(H - 2)x(H - 2)");
    }
}
