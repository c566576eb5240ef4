//! What the convolution kernels of ONNX Runtime's CPU provider hold beside their output: the patches under the window as
//! columns of a matrix, all at once or so many bytes a thread at a time. (`MlasConvPrepare`, on x86-64.)

use super::rules::{At, Spec};
use super::window::{Padding, Sliding};
use crate::tensor::DType;

/// Bytes of columns that a thread works on: 128 × 128 floats.
const SEGMENT: u64 = 128 * 128 * 4;
/// Multiply-accumulates that are worth a thread.
const THREAD_WORTH: u64 = 64 * 1024;
/// A thread takes a multiple of so many output positions.
const THREAD_POSITIONS: u64 = 16;

/// With K = C/g · kernel positions and O output positions of one example: nothing where the input already is that matrix
/// (a kernel of one position, or of one whole row or column of a single channel, neither padded nor strided); 4·K·O
/// where a group has more filters than O; else a segment for each thread.
pub(super) fn im2col(spec: &Spec, at: &At, threads: u64) -> Option<u64> {
    let x = at.tensor(0).filter(|x| x.dtype == Some(DType::F32))?.shape.sizes()?;
    let weights = at.tensor(1)?.shape.sizes()?;
    let y = at.output(0)?.shape.sizes()?;
    let (inputs, kernel, outputs) = (x.get(2..)?, weights.get(2..)?, y.get(2..)?);
    if !(1..=3).contains(&inputs.len()) {
        return None;
    }
    let [filters, channels] = *weights.get(..2)? else { return None };
    let groups = super::groups::read(spec.attributes, "group").ok()?;
    let filters = filters.checked_div(groups)?;
    let sliding = Sliding::read(spec.attributes).ok()?;
    let ones = |sizes: &Option<Vec<u64>>| sizes.as_ref().is_none_or(|s| s.iter().all(|n| *n == 1));
    if ones(&sliding.strides) && is_unpadded(&sliding.padding, kernel) {
        let whole = match (inputs, kernel) {
            ([x], [k]) => k == x,
            ([high, wide], [k_high, k_wide]) => k_wide == wide || (k_high == high && *k_wide == 1),
            _ => false,
        };
        let single_channel = channels == 1 && ones(&sliding.dilations);
        if kernel.iter().all(|n| *n == 1) || (single_channel && whole) {
            return Some(0);
        }
    }
    let product = |sizes: &[u64]| sizes.iter().try_fold(1u64, |p, n| p.checked_mul(*n));
    let (rows, positions) = (product(kernel)?.checked_mul(channels)?, product(outputs)?);
    if filters > positions {
        return rows.checked_mul(positions)?.checked_mul(4);
    }
    // Groups and examples are shared out among the threads; of a single one the output positions are.
    let products = x.first()?.checked_mul(groups)?;
    if products > 1 {
        return threads.min(products).checked_mul(SEGMENT);
    }
    let work = filters.checked_mul(positions)?.checked_mul(rows)?;
    busy(threads.min((work / THREAD_WORTH).saturating_add(1)), positions)?.checked_mul(SEGMENT)
}

/// Of so many threads those that get output positions.
fn busy(threads: u64, positions: u64) -> Option<u64> {
    let each = positions.div_ceil(threads.max(1));
    if threads <= 1 {
        return Some(1);
    }
    let each = each.checked_next_multiple_of(THREAD_POSITIONS)?;
    Some(match each {
        _ if each >= positions => 1,
        _ if each.checked_mul(threads - 1)? >= positions => threads - 1,
        _ => threads,
    })
}

/// Whether nothing is put around an input: `SAME` of a kernel of one position puts nothing.
pub(super) fn is_unpadded(padding: &Padding, kernel: &[u64]) -> bool {
    match padding {
        Padding::Valid => true,
        Padding::Explicit(pads) => pads.iter().all(|p| *p == (0, 0)),
        Padding::SameUpper | Padding::SameLower => kernel.iter().all(|n| *n == 1),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::{Open, Spec};
    use super::super::testing::{Case, f32};
    use super::super::{attributes::Attributes, find};
    use super::im2col;

    /// Filters 3x3, padded by 1, as a session with so many threads asked for them: measured on version 1.32.
    #[test]
    fn threads_share_groups_examples_or_positions() {
        let scratch = |examples, edge, filters, groups: i64, threads| {
            let attributes = Attributes::new().with_int("group", groups).with_sizes("pads", &[1; 4]);
            let spec =
                Spec { kind: find("", "Conv").unwrap(), attributes: &attributes, opset: 17, open: &Open::default() };
            let case = Case::new("", "Conv", 17).int("group", groups).input(f32(&[examples, 8, edge, edge]));
            let case = case.input(f32(&[filters, 8 / groups.unsigned_abs(), 3, 3]));
            let y = f32(&[examples, filters, edge, edge]);
            case.ask(&[y], |_, at| im2col(&spec, at, threads)).unwrap()
        };
        let each = [(1, 28, 16, 1), (2, 28, 16, 1), (1, 28, 8, 8), (1, 28, 16, 2), (1, 4, 64, 1)];
        let with = |threads| each.map(|(n, edge, filters, groups)| scratch(n, edge, filters, groups, threads));
        assert_eq!(with(1), [65_536, 65_536, 65_536, 65_536, 4_608].map(Some));
        assert_eq!(with(4), [262_144, 131_072, 262_144, 131_072, 4_608].map(Some));
    }
}
