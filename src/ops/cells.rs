//! Places in small tensors whose contents are known: a coordinate for each axis, and the position in row-major order.

use crate::tensor::literal;

/// The coordinates of every element of a tensor of these sizes, in row-major order; `None` if a literal may not have so
/// many.
pub(super) fn coordinates(dims: &[usize]) -> Option<impl Iterator<Item = Vec<usize>> + use<>> {
    let elements = literal::bounded(dims)?;
    let dims = dims.to_vec();
    Some((0..elements).map(move |mut rest| {
        let mut place = vec![0; dims.len()];
        for (coordinate, size) in place.iter_mut().zip(&dims).rev() {
            *coordinate = rest % size;
            rest /= size;
        }
        place
    }))
}

/// The position of the element with these coordinates; `None` where there is none.
pub(super) fn position(dims: &[usize], coordinates: &[usize]) -> Option<usize> {
    if dims.len() != coordinates.len() {
        return None;
    }
    dims.iter().zip(coordinates).try_fold(0usize, |position, (size, coordinate)| {
        if coordinate >= size {
            return None;
        }
        position.checked_mul(*size)?.checked_add(*coordinate)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_the_coordinates() {
        for dims in [&[2, 3, 4][..], &[], &[1], &[5, 0]] {
            for (n, place) in coordinates(dims).unwrap().enumerate() {
                assert_eq!(position(dims, &place), Some(n), "{dims:?} {place:?}");
            }
        }
        assert_eq!(coordinates(&[2, 3]).unwrap().count(), 6);
        assert_eq!((position(&[2, 3], &[1, 3]), position(&[2, 3], &[1])), (None, None));
    }
}
