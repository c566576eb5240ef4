//! Axes as ONNX states them: whole numbers, of which negative ones count from the end.

use super::rules::OpError;
use crate::tensor::Dim;

/// The position of an axis among so many dimensions.
pub(super) fn axis(stated: i64, rank: usize) -> Result<usize, OpError> {
    let from_end = || usize::try_from(stated.unsigned_abs()).ok().and_then(|n| rank.checked_sub(n));
    let position = if stated < 0 { from_end() } else { usize::try_from(stated).ok().filter(|n| *n < rank) };
    position.ok_or_else(|| {
        let dimensions = if rank == 1 { "dimension" } else { "dimensions" };
        OpError::invalid(format!("axis {stated} of a tensor with {rank} {dimensions}"))
    })
}

/// The positions of several axes, in rising order and each once.
pub(super) fn axes(stated: &[i64], rank: usize) -> Result<Vec<usize>, OpError> {
    let mut positions = stated.iter().map(|a| axis(*a, rank)).collect::<Result<Vec<_>, _>>()?;
    positions.sort_unstable();
    if let Some((twice, _)) = positions.iter().zip(positions.iter().skip(1)).find(|(a, b)| a == b) {
        return Err(OpError::invalid(format!("axis {twice} is listed twice")));
    }
    Ok(positions)
}

/// Whole numbers that an input holds, if every one is known.
pub(super) fn known(values: &[Dim]) -> Option<Vec<i64>> {
    values.iter().map(Dim::known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_axes_count_from_the_end_and_others_are_refused() {
        assert_eq!(axis(-1, 4), Ok(3));
        assert_eq!(axes(&[-1, 0], 4), Ok(vec![0, 3]));
        assert!(axis(4, 4).is_err() && axis(-5, 4).is_err() && axis(0, 0).is_err() && axis(i64::MIN, 4).is_err());
        assert!(axes(&[1, -3], 4).is_err());
    }
}
