//! Shapes: an order of dimensions, or not even their number.

use super::dim::Dim;
use crate::base::limits::RANK;
use std::fmt;

/// The shape of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// So many dimensions, each known, symbolic or unknown.
    Ranked(Vec<Dim>),
    /// Not even the number of dimensions is known.
    Unranked,
}

impl Shape {
    /// A shape of known sizes.
    pub fn known(sizes: &[u64]) -> Shape {
        Shape::Ranked(sizes.iter().map(|n| Dim::from(*n)).collect())
    }

    /// A scalar's shape.
    pub fn scalar() -> Shape {
        Shape::Ranked(Vec::new())
    }

    /// So many unknown dimensions; more than anything computes with are not even counted.
    pub fn of_rank(rank: usize) -> Shape {
        let bounded = u64::try_from(rank).is_ok_and(|n| n <= RANK);
        if bounded { Shape::Ranked(vec![Dim::Unknown; rank]) } else { Shape::Unranked }
    }

    /// The dimensions, if their number is known.
    pub fn dims(&self) -> Option<&[Dim]> {
        match self {
            Shape::Ranked(dims) => Some(dims),
            Shape::Unranked => None,
        }
    }

    /// The number of dimensions.
    pub fn rank(&self) -> Option<usize> {
        self.dims().map(<[Dim]>::len)
    }

    /// All sizes, if all are known.
    pub fn sizes(&self) -> Option<Vec<u64>> {
        self.dims()?.iter().map(Dim::size).collect()
    }

    /// The number of elements, if every size is known and the product fits.
    pub fn elements(&self) -> Option<u64> {
        let dims = self.dims()?;
        // A zero anywhere makes the tensor empty, whatever the others are.
        if dims.contains(&Dim::Known(0)) {
            return Some(0);
        }
        dims.iter().try_fold(1u64, |product, d| product.checked_mul(d.size()?))
    }

    /// The number of elements as an expression.
    pub fn volume(&self) -> Dim {
        self.dims().map_or(Dim::Unknown, product)
    }

    /// The narrowest shape that holds both: sizes that differ are unknown, and so is the rank if that differs.
    pub fn join(&self, other: &Shape) -> Shape {
        let same = |(a, b): (&Dim, &Dim)| if a == b { a.clone() } else { Dim::Unknown };
        match (self.dims(), other.dims()) {
            (Some(a), Some(b)) if a.len() == b.len() => Shape::Ranked(a.iter().zip(b).map(same).collect()),
            _ => Shape::Unranked,
        }
    }

    /// As the language writes it, without the batch: `64@28x28`, or `784` for a vector.
    pub fn notation(&self) -> String {
        match self.dims() {
            Some([_, units]) => units.to_string(),
            Some([_, channels, spatial @ ..]) => format!("{channels}@{}", joined(spatial)),
            _ => self.to_string(),
        }
    }

    /// Numpy's rule: align at the end, a 1 gives way. `Err` carries the two sizes that do not go together.
    pub fn broadcast(&self, other: &Shape) -> Result<Shape, (Dim, Dim)> {
        let (Some(a), Some(b)) = (self.dims(), other.dims()) else { return Ok(Shape::Unranked) };
        let rank = a.len().max(b.len());
        let one = Dim::Known(1);
        let at = |dims: &[Dim], i: usize| (i + dims.len()).checked_sub(rank).map_or(one.clone(), |j| dims[j].clone());
        (0..rank).map(|i| broadcast_dim(&at(a, i), &at(b, i))).collect::<Result<Vec<_>, _>>().map(Shape::Ranked)
    }
}

fn broadcast_dim(a: &Dim, b: &Dim) -> Result<Dim, (Dim, Dim)> {
    match (a, b) {
        (Dim::Known(1), other) | (other, Dim::Known(1)) => Ok(other.clone()),
        (Dim::Known(x), Dim::Known(y)) if x != y => Err((a.clone(), b.clone())),
        // A known size other than 1 decides: the other must be it or 1.
        (Dim::Known(_), _) => Ok(a.clone()),
        (_, Dim::Known(_)) => Ok(b.clone()),
        // They are equal, or one of them is 1: what the other is, unless it is empty.
        _ => Ok(a.larger(b)),
    }
}

/// The product of sizes.
pub fn product(dims: &[Dim]) -> Dim {
    dims.iter().fold(Dim::Known(1), |p, d| p.times(d))
}

/// Sizes as the language writes them: `28x28`.
pub fn joined(sizes: &[Dim]) -> String {
    sizes.iter().map(Dim::to_string).collect::<Vec<_>>().join("x")
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(dims) = self.dims() else { return f.write_str("[…]") };
        f.write_str("[")?;
        for (i, d) in dims.iter().enumerate() {
            write!(f, "{}{d}", if i == 0 { "" } else { ", " })?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_aligns_at_the_end() {
        let a = Shape::known(&[2, 3, 1]);
        let b = Shape::known(&[4]);
        assert_eq!(a.broadcast(&b), Ok(Shape::known(&[2, 3, 4])));
        assert_eq!(Shape::known(&[3]).broadcast(&b), Err((Dim::Known(3), Dim::Known(4))));
        let n = Shape::Ranked(vec![Dim::symbol("N"), Dim::Known(1)]);
        assert_eq!(n.broadcast(&b), Ok(Shape::Ranked(vec![Dim::symbol("N"), Dim::Known(4)])));
        let (rows, columns) = (Dim::symbol("R"), Dim::symbol("C"));
        let either = Shape::Ranked(vec![rows.clone()]).broadcast(&Shape::Ranked(vec![columns.clone()]));
        assert_eq!(either, Ok(Shape::Ranked(vec![rows.larger(&columns)])));
    }

    #[test]
    fn joined_shapes_keep_what_they_share() {
        let a = Shape::Ranked(vec![Dim::symbol("N"), Dim::Known(3), Dim::Unknown]);
        let b = Shape::Ranked(vec![Dim::symbol("N"), Dim::Known(4), Dim::Unknown]);
        assert_eq!(a.join(&b), Shape::Ranked(vec![Dim::symbol("N"), Dim::Unknown, Dim::Unknown]));
        assert_eq!(a.join(&Shape::scalar()), Shape::Unranked);
    }

    #[test]
    fn the_languages_notation_leaves_the_batch_out() {
        assert_eq!(Shape::known(&[50, 64, 28, 30]).notation(), "64@28x30");
        assert_eq!(Shape::known(&[1, 784]).notation(), "784");
        assert_eq!(Shape::known(&[7]).notation(), "[7]");
    }

    #[test]
    fn a_rank_that_a_file_claims_is_bounded() {
        let most = usize::try_from(RANK).unwrap();
        assert_eq!(Shape::of_rank(most).rank(), Some(most));
        assert_eq!(Shape::of_rank(most + 1), Shape::Unranked);
    }

    #[test]
    fn a_zero_dimension_makes_it_empty_and_overflow_is_not_a_number() {
        assert_eq!(Shape::Ranked(vec![Dim::Unknown, Dim::Known(0)]).elements(), Some(0));
        assert_eq!(Shape::known(&[1 << 40, 1 << 40]).elements(), None);
        assert_eq!(Shape::scalar().elements(), Some(1));
    }
}
