//! Indexing: gathers, scatters and one-hot encoding. They move data; a scatter computes only what its reduction does.

use super::axes::{axis, known};
use super::cells::{coordinates, position};
use super::kernel::Kernel;
use super::rules::{
    At, AxisSource, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data,
    steer,
};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType, literal};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("Gather", GATHERED, read_gather).measured(Kernel::FRESH),
    op("GatherElements", GATHERED, read_gather).measured(Kernel::FRESH),
    op("GatherND", GATHERED, read_gather_nd).measured(Kernel::FRESH),
    OpKind { kernel: Kernel::IN_PLACE, ..op("Scatter", SCATTERED, read_scatter) },
    OpKind { kernel: Kernel::IN_PLACE, ..op("ScatterElements", SCATTERED, read_scatter) },
    op("ScatterND", SCATTERED, read_scatter).measured(Kernel::FRESH),
    OpKind {
        kernel: Kernel::IN_PLACE,
        ..op("TensorScatter", &[data("past_cache"), data("update"), steer("write_indices")], read_scatter)
    },
    op("OneHot", &[data("indices"), steer("depth"), steer("values")], read_one_hot).measured(Kernel::FRESH),
];

const GATHERED: &[Slot] = &[data("data"), steer("indices")];
const SCATTERED: &[Slot] = &[data("data"), steer("indices"), data("updates")];

type Read = fn(&Spec) -> Result<Box<dyn Operator>, OpError>;

const fn op(name: &'static str, slots: &'static [Slot], read: Read) -> OpKind {
    OpKind { domain: "", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
enum Gather {
    /// Slices along an axis: data without the axis, the indices' shape in its place.
    Slices { axis: i64 },
    /// One element an index, which replaces the coordinate on an axis: the indices' shape.
    Elements { axis: i64 },
    /// One slice a tuple of indices, whose length is the indices' last size.
    Tuples { batch: usize },
}

fn read_gather(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let axis = spec.attributes.int_or("axis", 0)?;
    Ok(Box::new(if spec.kind.name == "Gather" { Gather::Slices { axis } } else { Gather::Elements { axis } }))
}

fn read_gather_nd(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let batch = spec.attributes.int_or("batch_dims", 0)?;
    let batch = usize::try_from(batch).map_err(|_| OpError::invalid(format!("`batch_dims` is {batch}")))?;
    Ok(Box::new(Gather::Tuples { batch }))
}

impl Operator for Gather {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let (data, indices) = (at.require(0)?, at.require(1)?);
        let shape = match (self, data.shape.dims(), indices.shape.dims()) {
            (Gather::Elements { .. }, ..) => indices.shape.clone(),
            (_, None, _) | (_, _, None) => Shape::Unranked,
            (Gather::Slices { axis: stated }, Some(data), Some(indices)) => {
                let at = axis(*stated, data.len())?;
                Shape::Ranked([&data[..at], indices, &data[at + 1..]].concat())
            }
            (Gather::Tuples { batch }, Some(data), Some(indices)) => tuples(data, indices, *batch)?,
        };
        Ok(vec![TensorType { dtype: data.dtype, shape }.into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || match (self, at.literal(0)?, at.literal(1)?) {
            (Gather::Slices { axis: stated }, data, indices) => gathered(data, indices, *stated),
            (Gather::Elements { axis }, data, indices) => {
                let places = places(&data.dims, indices, *axis)?;
                data.pick(indices.dims.clone(), places)
            }
            (Gather::Tuples { batch }, data, indices) => {
                let (outer, places) = tuple_places(&data.dims, indices, *batch)?;
                let rest = data.dims.get(batch.checked_add(*indices.dims.last()?)?..)?;
                data.pick([outer, rest].concat(), places)
            }
        };
        vec![folded()]
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, at: &At) -> Window {
        let (Gather::Slices { axis: stated }, Some(data), Some(indices)) = (self, at.dims(0), at.dims(1)) else {
            return Window::Opaque("which positions are gathered is not known");
        };
        slices(*stated, data.len(), indices.len())
    }
}

/// The step of slices along an axis: where the axis was, there are those of the indices.
pub(super) fn slices(stated: i64, data: usize, indices: usize) -> Window {
    let Ok(picked) = axis(stated, data) else { return Window::Opaque("the axis is not there") };
    let picks = (0..indices).map(|_| AxisSource::some_of(picked));
    let after = (picked..data).skip(1).map(AxisSource::Axis);
    let from = (0..picked).map(AxisSource::Axis).chain(picks).chain(after);
    Window::Axes { from: from.collect(), whole: Vec::new() }
}

/// `indices` without its last size, then what the tuples leave of `data`.
fn tuples(data: &[Dim], indices: &[Dim], batch: usize) -> Result<Shape, OpError> {
    let Some((length, outer)) = indices.split_last() else {
        return Err(OpError::invalid("the indices are a scalar, and tuples of indices were wanted"));
    };
    let Some(length) = length.size() else { return Ok(Shape::Unranked) };
    let used = usize::try_from(length).ok().and_then(|n| n.checked_add(batch));
    let rest = used.and_then(|n| data.get(n..)).ok_or_else(|| {
        let rank = data.len();
        OpError::invalid(format!("tuples of {length} indices after {batch} batch dimensions, for {rank} dimensions"))
    })?;
    Ok(Shape::Ranked([outer, rest].concat()))
}

fn gathered(data: &Literal, indices: &Literal, stated: i64) -> Option<Literal> {
    let at = axis(stated, data.dims.len()).ok()?;
    let size = *data.dims.get(at)?;
    let inner = data.dims[at + 1..].iter().try_fold(1usize, |p, n| p.checked_mul(*n))?;
    let outer = data.dims[..at].iter().try_fold(1usize, |p, n| p.checked_mul(*n))?;
    let indices_known = known(indices.ints()?)?;
    let picked = indices_known.into_iter().map(|i| axis(i, size).ok()).collect::<Option<Vec<_>>>()?;
    let positions = (0..outer).flat_map(|o| {
        let starts = picked.iter().map(move |i| (o * size + i) * inner);
        starts.flat_map(move |start| start..start + inner)
    });
    let dims = [&data.dims[..at], &indices.dims, &data.dims[at + 1..]].concat();
    data.pick(dims, positions)
}

/// Positions in a tensor of these sizes, one an index, which replaces the index's own coordinate on an axis.
fn places(dims: &[usize], indices: &Literal, stated: i64) -> Option<Vec<usize>> {
    let at = axis(stated, dims.len()).ok()?;
    let stated = known(indices.ints()?)?;
    let place = |(mut place, index): (Vec<usize>, i64)| {
        *place.get_mut(at)? = axis(index, *dims.get(at)?).ok()?;
        position(dims, &place)
    };
    coordinates(&indices.dims)?.zip(stated).map(place).collect()
}

/// The indices' sizes without the last, and positions in a tensor of these sizes: for each tuple, those of the slice that
/// it leaves.
fn tuple_places<'a>(dims: &[usize], indices: &'a Literal, batch: usize) -> Option<(&'a [usize], Vec<usize>)> {
    let (length, outer) = indices.dims.split_last()?;
    let stated = known(indices.ints()?)?;
    let rest = dims.get(batch.checked_add(*length)?..)?;
    let mut places = Vec::new();
    for (n, own) in coordinates(outer)?.enumerate() {
        let mut start = own.get(..batch)?.to_vec();
        for index in stated.get(n.checked_mul(*length)?..)?.iter().take(*length) {
            start.push(axis(*index, *dims.get(start.len())?).ok()?);
        }
        for inner in coordinates(rest)? {
            places.push(position(dims, &[start.as_slice(), &inner].concat())?);
        }
        literal::bounded(&[places.len()])?;
    }
    Some((outer, places))
}

#[derive(Debug)]
struct Scatter {
    to: Target,
    /// What each update costs; `None` where it replaces what was there.
    each: Option<Operations>,
}

/// What an update is written to.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// An element, its coordinate on an axis replaced by the index.
    Element { axis: i64 },
    /// The slice that a tuple of indices leaves.
    Tuple,
    /// A stretch of a cache.
    Cache,
}

fn read_scatter(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let none = Operations::default();
    let each = match spec.attributes.string("reduction")?.unwrap_or("none") {
        "add" => Some(Operations { add: 1, ..none }),
        "mul" => Some(Operations { mul: 1, ..none }),
        "max" | "min" => Some(Operations { compare: 1, ..none }),
        "none" => None,
        other => return Err(OpError::invalid(format!("`reduction` is `{other}`, which no version knows"))),
    };
    let to = match spec.kind.name {
        "ScatterND" => Target::Tuple,
        "TensorScatter" => Target::Cache,
        _ => Target::Element { axis: spec.attributes.int_or("axis", 0)? },
    };
    Ok(Box::new(Scatter { to, each }))
}

impl Operator for Scatter {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![at.require(0)?.clone().into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || {
            let (data, indices, updates) = (at.literal(0)?, at.literal(1)?, at.literal(2)?);
            let written = match self.to {
                _ if self.each.is_some() => return None,
                Target::Element { axis } => places(&data.dims, indices, axis)?,
                Target::Tuple => tuple_places(&data.dims, indices, 0)?.1,
                Target::Cache => return None,
            };
            let mut from: Vec<usize> = (0..data.len()).collect();
            for (update, place) in written.into_iter().enumerate() {
                *from.get_mut(place)? = data.len().checked_add(update)?;
            }
            data.chain(updates)?.pick(data.dims.clone(), from)
        };
        vec![folded()]
    }

    fn work(&self, at: &At) -> Work {
        self.each.map_or(Work::Free, |each| Work::elementwise(Class::Other, each, at.input_elements(2)))
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("which positions are written is not known")
    }
}

#[derive(Debug)]
struct OneHot {
    axis: i64,
}

fn read_one_hot(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(OneHot { axis: spec.attributes.int_or("axis", -1)? }))
}

impl Operator for OneHot {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let dtype = at.require(2)?.dtype;
        let depth = at.literal(1).and_then(Literal::whole).unwrap_or(Dim::Unknown);
        let shape = match at.require(0)?.shape.dims() {
            None => Shape::Unranked,
            Some(indices) => {
                let mut dims = indices.to_vec();
                dims.insert(axis(self.axis, indices.len().saturating_add(1))?, depth);
                Shape::Ranked(dims)
            }
        };
        Ok(vec![TensorType { dtype, shape }.into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || {
            let (indices, off_and_on) = (at.literal(0)?, at.literal(2)?);
            let depth = usize::try_from(at.literal(1)?.whole()?.size()?).ok()?;
            let hot = known(indices.ints()?)?;
            let across = axis(self.axis, indices.dims.len().checked_add(1)?).ok()?;
            let mut dims = indices.dims.clone();
            dims.insert(across, depth);
            let cell = |mut place: Vec<usize>| {
                let along = place.remove(across);
                let index = hot.get(position(&indices.dims, &place)?)?;
                // An index beyond the depth is hot nowhere.
                Some(usize::from(axis(*index, depth) == Ok(along)))
            };
            let cells = coordinates(&dims)?.map(cell).collect::<Option<Vec<_>>>()?;
            off_and_on.pick(dims, cells)
        };
        vec![folded()]
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, _: &At) -> Window {
        Window::Opaque("a position becomes many")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32, ints, tensor};
    use super::*;
    use crate::tensor::{DType, Elements};

    #[test]
    fn a_size_travels_from_a_shape_to_a_range() {
        let image = [Dim::symbol("N"), Dim::Known(3), Dim::symbol("H"), Dim::symbol("W")];
        let spatial = Case::new("", "Shape", 15).int("start", -2).input(tensor(DType::F32, &image)).fold();
        let picked =
            Case::new("", "Gather", 13).known(spatial[0].clone().unwrap()).known(Literal::scalar(Dim::Known(-1)));
        let width = picked.fold()[0].clone().unwrap();
        let range = Case::new("", "Range", 11).known(Literal::scalar(Dim::Known(0))).known(width);
        let columns = range.known(Literal::scalar(Dim::Known(1))).infer();
        assert_eq!(columns, Ok(vec![tensor(DType::I64, &[Dim::symbol("W")])]));
    }

    #[test]
    fn tuples_after_batch_dimensions_leave_the_rest() {
        // The specification's examples 2 and 5 of `GatherND`.
        let gather = |batch, data: &[u64], indices: &[i64]| {
            let indices = tensor(DType::I64, &indices.iter().map(|n| Dim::Known(*n)).collect::<Vec<_>>());
            Case::new("", "GatherND", 13).int("batch_dims", batch).input(f32(data)).input(indices).infer()
        };
        assert_eq!(gather(0, &[2, 2], &[2, 1]), Ok(vec![f32(&[2, 2])]));
        assert_eq!(gather(1, &[2, 2, 2], &[2, 1]), Ok(vec![f32(&[2, 2])]));
        assert!(gather(1, &[2, 2], &[2, 2]).is_err());
    }

    /// The specification's examples, with whole numbers.
    #[test]
    fn known_elements_are_gathered_scattered_and_encoded() {
        let case = |op| Case::new("", op, 18);
        let picked = case("GatherElements").int("axis", 1).known(ints(&[2, 2], &[1, 2, 3, 4]));
        let picked = picked.known(ints(&[2, 2], &[0, 0, 1, 0])).fold();
        assert_eq!(picked, [Some(ints(&[2, 2], &[1, 1, 4, 3]))]);
        let tuples = case("GatherND").known(ints(&[2, 2], &[0, 1, 2, 3])).known(ints(&[2, 2], &[0, 0, 1, 1])).fold();
        assert_eq!(tuples, [Some(ints(&[2], &[0, 3]))]);
        let rows = case("GatherND").known(ints(&[2, 2], &[0, 1, 2, 3])).known(ints(&[2, 1], &[1, 0])).fold();
        assert_eq!(rows, [Some(ints(&[2, 2], &[2, 3, 0, 1]))]);
        let written = case("ScatterElements").int("axis", 1).known(ints(&[1, 5], &[1, 2, 3, 4, 5]));
        let written = written.known(ints(&[1, 2], &[1, 3])).known(ints(&[1, 2], &[11, 21])).fold();
        assert_eq!(written, [Some(ints(&[1, 5], &[1, 11, 3, 21, 5]))]);
        let written = case("ScatterND").known(ints(&[8], &[1, 2, 3, 4, 5, 6, 7, 8]));
        let written = written.known(ints(&[4, 1], &[4, 3, 1, 7])).known(ints(&[4], &[9, 10, 11, 12])).fold();
        assert_eq!(written, [Some(ints(&[8], &[1, 11, 3, 10, 9, 6, 7, 12]))]);
        let hot = case("OneHot").known(ints(&[2], &[1, -1])).known(ints(&[], &[3])).known(ints(&[2], &[2, 5])).fold();
        assert_eq!(hot, [Some(ints(&[2, 3], &[2, 5, 2, 2, 2, 5]))]);
        let outside = case("GatherElements").known(ints(&[2], &[1, 2])).known(ints(&[1], &[2])).fold();
        assert_eq!(outside, [None]);
    }

    #[test]
    fn the_depth_of_a_one_hot_may_be_a_float() {
        let indices = tensor(DType::I64, &[Dim::symbol("N")]);
        let case = Case::new("", "OneHot", 11)
            .input(indices)
            .known(Literal { dims: vec![1], elements: Elements::Floats(vec![10.0]) });
        let wanted = tensor(DType::F32, &[Dim::symbol("N"), Dim::Known(10)]);
        assert_eq!(case.input(f32(&[2])).infer(), Ok(vec![wanted]));
    }

    #[test]
    fn a_shape_is_gathered_from_with_negative_indices() {
        let shape = Literal::vector(vec![Dim::symbol("N"), Dim::Known(3), Dim::Known(8)]);
        let scalar = Literal::scalar(Dim::Known(-3));
        assert_eq!(gathered(&shape, &scalar, 0), Some(Literal::scalar(Dim::symbol("N"))));
        let list = Literal::vector(vec![Dim::Known(2), Dim::Known(-1)]);
        assert_eq!(gathered(&shape, &list, -1), Some(Literal::vector(vec![Dim::Known(8), Dim::Known(8)])));
        assert_eq!(gathered(&shape, &Literal::scalar(Dim::Known(3)), 0), None);
    }

    #[test]
    fn the_specification_s_example_along_the_second_axis() {
        let table = |dims: Vec<usize>, v: &[f64]| Literal { dims, elements: Elements::Floats(v.to_vec()) };
        let data = table(vec![3, 3], &[1.0, 1.2, 1.9, 2.3, 3.4, 3.9, 4.5, 5.7, 5.9]);
        let indices = Literal { dims: vec![1, 2], elements: Elements::Ints(vec![Dim::Known(0), Dim::Known(2)]) };
        let wanted = table(vec![3, 1, 2], &[1.0, 1.9, 2.3, 3.9, 4.5, 5.9]);
        assert_eq!(gathered(&data, &indices, 1), Some(wanted));
    }
}
