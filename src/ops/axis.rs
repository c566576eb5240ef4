//! Axes as attributes and steering inputs name them: a negative one counts from the end.

use super::rules::OpError;
use crate::tensor::Dim;

/// The axis among `rank` of them.
pub fn axis(axis: i64, rank: usize) -> Result<usize, OpError> {
    let signed = i64::try_from(rank).unwrap_or(i64::MAX);
    let counted = if axis < 0 { axis.checked_add(signed) } else { Some(axis) };
    counted
        .and_then(|a| usize::try_from(a).ok())
        .filter(|a| *a < rank)
        .ok_or_else(|| OpError::invalid(format!("axis {axis} of a tensor with {rank} dimensions")))
}

/// Axes among `rank` of them, in the given order, none twice.
pub fn axes(axes: &[i64], rank: usize) -> Result<Vec<usize>, OpError> {
    let mut found = Vec::new();
    for a in axes {
        let at = axis(*a, rank)?;
        if found.contains(&at) {
            return Err(OpError::invalid(format!("axis {at} is named twice")));
        }
        found.push(at);
    }
    Ok(found)
}

/// The numbers of a steering input, if all are known.
pub fn known(values: &[Dim]) -> Option<Vec<i64>> {
    values.iter().map(Dim::known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_axes_count_from_the_end_and_none_is_outside() {
        assert_eq!(axes(&[-1, 0], 3), Ok(vec![2, 0]));
        assert!(axis(3, 3).is_err());
        assert!(axis(-4, 3).is_err());
        assert!(axis(i64::MIN, 3).is_err());
        assert!(axes(&[1, -2], 3).is_err());
    }
}
