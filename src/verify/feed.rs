//! Inputs for a run: tensors of the types that the model asks for, with contents that no operator refuses.

use super::job::{Feed, Fill};
use ort::session::SessionInputValue;
use ort::value::{DynValue, Tensor};

/// Tensors for a session's inputs, by name. `Err` names a type that cannot be made.
pub(super) fn tensors(feeds: &[Feed]) -> Result<Vec<(String, SessionInputValue<'static>)>, String> {
    feeds.iter().map(|feed| Ok((feed.name.clone(), tensor(feed)?.into()))).collect()
}

fn tensor(feed: &Feed) -> Result<DynValue, String> {
    let dims: Option<Vec<i64>> = feed.dims.iter().map(|n| i64::try_from(*n).ok()).collect();
    let length = feed.dims.iter().try_fold(1usize, |p, n| p.checked_mul(usize::try_from(*n).ok()?));
    let (Some(dims), Some(length)) = (dims, length) else {
        return Err(format!("input `{}` is too large to be made", feed.name));
    };
    macro_rules! of {
        ($numbers:ident, $ones:expr, $from:expr) => {{
            let values: Vec<_> = match feed.fill {
                // The large ones are all alike.
                Fill::Ones => vec![$ones; length],
                _ => $numbers(feed, length).map($from).collect(),
            };
            made(Tensor::from_array((dims, values)))
        }};
    }
    macro_rules! whole {
        ($type:ty) => {
            of!(ints, 1, |n| <$type>::try_from(n).unwrap_or_default())
        };
    }
    #[expect(clippy::cast_possible_truncation, reason = "rounding to the type is the point")]
    match &*feed.dtype {
        "f32" => of!(floats, 1f32, |x| x as f32),
        "f64" => of!(floats, 1f64, |x| x),
        "f16" => of!(floats, half::f16::ONE, half::f16::from_f64),
        "bf16" => of!(floats, half::bf16::ONE, half::bf16::from_f64),
        "i64" => whole!(i64),
        "i32" => whole!(i32),
        "i16" => whole!(i16),
        "i8" => whole!(i8),
        "u64" => whole!(u64),
        "u32" => whole!(u32),
        "u16" => whole!(u16),
        "u8" => whole!(u8),
        "bool" => of!(ints, true, |n| n != 0),
        "string" => made(Tensor::from_string_array((dims, &*vec!["a"; length]))),
        other => Err(format!("an input of type {other} cannot be made (`{}`)", feed.name)),
    }
}

fn made<T: ort::value::ValueTypeMarker>(tensor: ort::Result<ort::value::Value<T>>) -> Result<DynValue, String> {
    tensor.map(ort::value::Value::into_dyn).map_err(|error| error.to_string())
}

/// So many floats.
fn floats(feed: &Feed, length: usize) -> Box<dyn Iterator<Item = f64> + '_> {
    match &feed.fill {
        Fill::Any => Box::new((0..length).map(spread)),
        Fill::Ones => Box::new(std::iter::repeat_n(1.0, length)),
        #[expect(clippy::cast_precision_loss, reason = "an input that is given as whole numbers is small")]
        Fill::Ints(values) => Box::new(values.iter().map(|n| *n as f64)),
        Fill::Floats(values) => Box::new(values.iter().copied()),
    }
}

/// So many whole numbers.
fn ints(feed: &Feed, length: usize) -> Box<dyn Iterator<Item = i64> + '_> {
    match &feed.fill {
        Fill::Ints(values) => Box::new(values.iter().copied()),
        Fill::Ones => Box::new(std::iter::repeat_n(1, length)),
        Fill::Any | Fill::Floats(_) => Box::new(std::iter::repeat_n(0, length)),
    }
}

/// Numbers between 0 and 1 of which neighbours differ: multiples of the golden section, without their whole part.
fn spread(place: usize) -> f64 {
    // 2^16 of them are enough for an image; more would only lose digits.
    let place = u16::try_from(place % (1 << 16)).unwrap_or_default();
    (f64::from(place) * 0.618_033_988_749_894_9).fract()
}
