//! Image files: `ImageDecoder` makes [height, width, channels] of encoded bytes.

use super::kernel::Kernel;
use super::rules::{At, Class, OpError, OpKind, OpenWeight, Operator, Spec, Storage, Window, Work, data};
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType};

/// The operator of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "ImageDecoder",
    slots: &[data("encoded_stream")],
    storage: Storage::Fresh,
    kernel: Kernel::Unmeasured,
    read,
}];

#[derive(Debug)]
struct ImageDecoder {
    channels: i64,
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let channels = match spec.attributes.string("pixel_format")?.unwrap_or("RGB") {
        "RGB" | "BGR" => 3,
        "Grayscale" => 1,
        other => {
            let error = OpError::invalid(format!("`pixel_format` is `{other}`"));
            return Err(error.help("write `RGB`, `BGR` or `Grayscale`"));
        }
    };
    Ok(Box::new(ImageDecoder { channels }))
}

impl Operator for ImageDecoder {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, _: &At) -> Result<Vec<ValueType>, OpError> {
        let shape = Shape::Ranked(vec![Dim::Unknown, Dim::Unknown, Dim::Known(self.channels)]);
        Ok(vec![TensorType::new(DType::U8, shape).into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, _: &At) -> Work {
        Work::Uncounted(Class::Other, "decoding costs what the file asks for".into())
    }

    fn window(&self, _: &At) -> Window {
        Window::Global
    }
}
