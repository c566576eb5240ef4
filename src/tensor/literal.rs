//! Small constants that steer shapes. Weights never come here.

use super::dim::Dim;
use super::dtype::DType;
use super::ratio::Ratio;
use super::shape::Shape;

/// Most elements that a constant may have to be folded.
pub const ELEMENTS: usize = 4096;

/// The number of elements that these dimensions make, if a literal may have so many, and so many along each axis. (Next to
/// a size of 0 another one could be as large as it likes.)
pub fn bounded(dims: &[usize]) -> Option<usize> {
    let all = dims.iter().try_fold(1usize, |p, n| p.checked_mul(*n))?;
    (all <= ELEMENTS && dims.iter().all(|n| *n <= ELEMENTS)).then_some(all)
}

/// A tensor whose contents are known, at least in part (an integer may be symbolic or unknown).
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// Its sizes.
    pub dims: Vec<usize>,
    /// Its elements in row-major order.
    pub elements: Elements,
}

/// The contents of a [`Literal`].
#[derive(Clone, Debug, PartialEq)]
pub enum Elements {
    /// Integers and booleans (0 and 1).
    Ints(Vec<Dim>),
    /// Floats, all of them known, such as the scales of a resize.
    Floats(Vec<f64>),
    /// Floats that depend on free sizes.
    Ratios(Vec<Ratio>),
}

impl Elements {
    /// Floats of this type where every one is known, quotients where not.
    pub fn of_ratios(ratios: Vec<Ratio>, dtype: DType) -> Elements {
        let known = ratios.iter().map(|r| dtype.nearest(r.value()?)).collect::<Option<_>>();
        known.map_or(Elements::Ratios(ratios), Elements::Floats)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Elements::Ints(v) => v.len(),
            Elements::Floats(v) => v.len(),
            Elements::Ratios(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Floats as quotients.
    pub fn ratios(&self) -> Option<Vec<Ratio>> {
        match self {
            Elements::Ints(_) => None,
            Elements::Floats(v) => Some(v.iter().map(|x| Ratio::of(*x)).collect()),
            Elements::Ratios(v) => Some(v.clone()),
        }
    }
}

impl Literal {
    /// One integer without dimensions.
    pub fn scalar(value: Dim) -> Literal {
        Literal { dims: Vec::new(), elements: Elements::Ints(vec![value]) }
    }

    /// A list of integers.
    pub fn vector(values: Vec<Dim>) -> Literal {
        Literal { dims: vec![values.len()], elements: Elements::Ints(values) }
    }

    /// Itself repeated along axes of size 1 until it has these dimensions (numpy's broadcasting). `None` when it cannot
    /// have them, or with more elements than a literal may have.
    pub fn broadcast(&self, dims: &[usize]) -> Option<Literal> {
        let elements = bounded(dims)?;
        let missing = dims.len().checked_sub(self.dims.len())?;
        let fits = self.dims.iter().zip(dims.get(missing..)?).all(|(own, wanted)| own == wanted || *own == 1);
        let place = |position: usize| {
            // From the last axis to the first: the coordinate, and how far apart its neighbours lie here.
            let (mut rest, mut stride, mut place) = (position, 1, 0);
            for (axis, size) in dims.iter().enumerate().rev() {
                let coordinate = rest % size;
                rest /= size;
                if let Some(own) = axis.checked_sub(missing).and_then(|a| self.dims.get(a)) {
                    place += if *own == 1 { 0 } else { coordinate * stride };
                    stride *= own;
                }
            }
            place
        };
        fits.then(|| self.pick(dims.to_vec(), (0..elements).map(place)))?
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its shape.
    pub fn shape(&self) -> Shape {
        Shape::Ranked(self.dims.iter().copied().map(Dim::from).collect())
    }

    /// Its integers.
    pub fn ints(&self) -> Option<&[Dim]> {
        match &self.elements {
            Elements::Ints(v) => Some(v),
            Elements::Floats(_) | Elements::Ratios(_) => None,
        }
    }

    /// Its floats.
    pub fn floats(&self) -> Option<&[f64]> {
        match &self.elements {
            Elements::Floats(v) => Some(v),
            Elements::Ints(_) | Elements::Ratios(_) => None,
        }
    }

    /// Some of its elements, by position in row-major order, under a new shape. `None` when a position does not exist.
    pub fn pick(&self, dims: Vec<usize>, positions: impl IntoIterator<Item = usize>) -> Option<Literal> {
        let positions = positions.into_iter();
        let elements = match &self.elements {
            Elements::Ints(v) => Elements::Ints(positions.map(|p| v.get(p).cloned()).collect::<Option<_>>()?),
            Elements::Floats(v) => Elements::Floats(positions.map(|p| v.get(p).copied()).collect::<Option<_>>()?),
            Elements::Ratios(v) => {
                Elements::of_ratios(positions.map(|p| v.get(p).cloned()).collect::<Option<_>>()?, DType::F64)
            }
        };
        Some(Literal { dims, elements })
    }

    /// Its elements and then those of another literal, in a row; `None` when one holds integers and the other floats.
    pub fn chain(&self, other: &Literal) -> Option<Literal> {
        let elements = match (&self.elements, &other.elements) {
            (Elements::Ints(a), Elements::Ints(b)) => Elements::Ints([a.as_slice(), b].concat()),
            (Elements::Floats(a), Elements::Floats(b)) => Elements::Floats([a.as_slice(), b].concat()),
            (a, b) => Elements::Ratios([a.ratios()?, b.ratios()?].concat()),
        };
        Some(Literal { dims: vec![elements.len()], elements })
    }

    /// A zero of the same kind.
    pub fn zero(&self) -> Literal {
        match &self.elements {
            Elements::Ints(_) => Literal::scalar(Dim::Known(0)),
            Elements::Floats(_) | Elements::Ratios(_) => {
                Literal { dims: Vec::new(), elements: Elements::Floats(vec![0.0]) }
            }
        }
    }

    /// Its only element, as a whole number if it is one.
    pub fn whole(&self) -> Option<Dim> {
        match &self.elements {
            Elements::Ints(_) => self.int().cloned(),
            Elements::Floats(_) | Elements::Ratios(_) => match self.elements.ratios()?.as_slice() {
                [one] => one.as_whole().filter(|n| **n != Dim::Unknown).cloned(),
                _ => None,
            },
        }
    }

    /// Its only integer.
    pub fn int(&self) -> Option<&Dim> {
        match self.ints() {
            Some([one]) => Some(one),
            _ => None,
        }
    }
}
