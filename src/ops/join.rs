//! Tensors put one after another and taken apart: `Concat`, `Split`; the language's `concat`.

use super::attributes::Attributes;
use super::axes::axis;
use super::kernel::Kernel;
use super::layer::{Call, Layer, Need, Number, On, Step, Takes};
use super::rules::{At, OpError, OpKind, OpenWeight, Operator, Spec, Storage, Window, Work, data, steer};
use super::slice::crop_to;
use crate::tensor::{Dim, Elements, Literal, Shape, TensorType, ValueType, literal};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    OpKind {
        domain: "",
        name: "Concat",
        slots: &[data("inputs")],
        storage: Storage::Fresh,
        kernel: Kernel::FRESH,
        read: read_concat,
    },
    OpKind {
        domain: "",
        name: "Split",
        slots: &[data("input"), steer("split")],
        storage: Storage::Fresh,
        kernel: Kernel::FRESH,
        read: read_split,
    },
];

/// The layers of this room.
pub(super) static LAYERS: &[Layer] = &[Layer {
    keyword: "concat",
    aliases: &[],
    foreign: &["Concatenate", "cat", "torch.cat"],
    doc: "channels one after another",
    number: Number::None,
    kernel: Need::Never,
    stride: false,
    words: &["crop"],
    options: &[],
    takes: Takes::Join,
    modifier: false,
    example: "concat skip",
    lower,
}];

fn lower(call: &Call) -> Result<Vec<Step>, OpError> {
    let (mut steps, shapes) = cropped(call)?;
    let spatial = |s: &Shape| s.dims().map(|d| d.get(2..).unwrap_or(&[]).to_vec());
    let sizes: Vec<_> = shapes.iter().filter_map(spatial).collect();
    if sizes.iter().zip(sizes.iter().skip(1)).any(|(a, b)| differ(a, b)) {
        let all = shapes.iter().map(Shape::notation).collect::<Vec<_>>().join(", ");
        let message = format!("`concat` joins channels, so heights and widths must agree: {all}");
        return Err(OpError::new("concat-mismatch", message)
            .help("`concat … crop` cuts the others to the size of the first; `ceil` or `same` may keep sizes equal"));
    }
    steps.push(Step::new("Concat", Attributes::new().with_int("axis", 1)).on(On::All));
    Ok(steps)
}

/// Whether two lists of sizes differ for certain.
pub(super) fn differ(a: &[Dim], b: &[Dim]) -> bool {
    a.len() != b.len() || a.iter().zip(b).any(|(a, b)| a.agree(b).is_none())
}

/// The steps that cut the operands of a join to the size of the first, when the line says `crop`, and the shapes
/// that the operands have then.
pub(super) fn cropped(call: &Call) -> Result<(Vec<Step>, Vec<Shape>), OpError> {
    let mut steps = Vec::new();
    let mut shapes: Vec<Shape> = call.inputs.iter().map(|t| t.shape.clone()).collect();
    let to = call.spatial().iter().map(Dim::size).collect::<Option<Vec<_>>>();
    let Some(to) = to.filter(|to| call.has("crop") && !to.is_empty()) else { return Ok((steps, shapes)) };
    for (i, operand) in call.inputs.iter().enumerate().skip(1) {
        // A vector has nothing to cut, and of an unknown operand nothing can be said.
        if operand.shape.rank().is_none_or(|rank| rank < 3) {
            continue;
        }
        if let Some(step) = crop_to(operand, &to)? {
            steps.push(step.named("crop").on(On::Operand(i)));
            let channels = operand.shape.dims().unwrap_or(&[]).iter().take(2).cloned();
            shapes[i] = Shape::Ranked(channels.chain(call.spatial().iter().cloned()).collect());
        }
    }
    Ok((steps, shapes))
}

#[derive(Debug)]
struct Concat {
    axis: i64,
}

fn read_concat(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let axis = match spec.attributes.int("axis")? {
        Some(axis) => axis,
        None if spec.opset < 4 => 1,
        None => return Err(OpError::invalid("`axis` is missing")),
    };
    Ok(Box::new(Concat { axis }))
}

impl Operator for Concat {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let inputs = (0..at.inputs.len()).map(|i| at.require(i)).collect::<Result<Vec<_>, _>>()?;
        let dtype = inputs.iter().find_map(|x| x.dtype);
        let ranked: Vec<&[Dim]> = inputs.iter().filter_map(|x| x.shape.dims()).collect();
        let Some(first) = ranked.first() else {
            return Ok(vec![TensorType { dtype, shape: Shape::Unranked }.into()]);
        };
        let axis = axis(self.axis, first.len())?;
        let mut dims = first.to_vec();
        for other in ranked.iter().skip(1) {
            if other.len() != dims.len() {
                return Err(mismatch(axis, &ranked));
            }
            for (i, (dim, other)) in dims.iter_mut().zip(*other).enumerate() {
                *dim = if i == axis {
                    dim.plus(other)
                } else {
                    dim.agree(other).ok_or_else(|| mismatch(axis, &ranked))?
                };
            }
        }
        if ranked.len() < inputs.len() {
            dims[axis] = Dim::Unknown;
        }
        Ok(vec![TensorType { dtype, shape: Shape::Ranked(dims) }.into()])
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let folded = || {
            let integers = at.output(0)?.dtype?.is_integer();
            let parts: Vec<Literal> = (0..at.inputs.len()).map(|i| part(at, i, integers)).collect::<Option<_>>()?;
            concatenate(&parts, axis(self.axis, parts.first()?.dims.len()).ok()?)
        };
        vec![folded()]
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, at: &At) -> Window {
        match at.output(0).and_then(|o| o.shape.rank()).map(|rank| axis(self.axis, rank)) {
            Some(Ok(0 | 1)) => Window::Pointwise,
            Some(Ok(_)) => Window::Opaque("it joins along a spatial axis"),
            _ => Window::Opaque("the number of dimensions is not known"),
        }
    }
}

fn mismatch(axis: usize, shapes: &[&[Dim]]) -> OpError {
    let all = shapes.iter().map(|d| Shape::Ranked(d.to_vec()).to_string()).collect::<Vec<_>>().join(", ");
    OpError::new("concat-mismatch", format!("joined along axis {axis}, all other sizes must agree: {all}"))
}

/// An input's contents; for a short list of integers that is not known, as many unknown ones, so that what stands
/// beside it is not lost.
fn part(at: &At, position: usize, integers: bool) -> Option<Literal> {
    if let Some(known) = at.literal(position) {
        return Some(known.clone());
    }
    match at.dims(position)? {
        [n] if integers => {
            let n = usize::try_from(n.known()?).ok().filter(|n| *n <= literal::ELEMENTS)?;
            Some(Literal::vector(vec![Dim::Unknown; n]))
        }
        _ => None,
    }
}

fn concatenate(parts: &[Literal], axis: usize) -> Option<Literal> {
    let first = parts.first()?;
    for part in parts {
        literal::bounded(&part.dims)?;
    }
    let outer: usize = first.dims.get(..axis)?.iter().product();
    let inner = |l: &Literal| l.dims.get(axis..).map(|d| d.iter().product::<usize>());
    let mut dims = first.dims.clone();
    *dims.get_mut(axis)? = parts.iter().map(|p| p.dims.get(axis).copied()).sum::<Option<usize>>()?;
    let rows = |row: usize| parts.iter().map(move |p| Some((p, row.checked_mul(inner(p)?)?, inner(p)?)));
    let blocks = (0..outer).flat_map(rows).collect::<Option<Vec<_>>>()?;
    let elements = if parts.iter().any(|p| matches!(p.elements, Elements::Ratios(_))) {
        let block =
            |(p, at, n): &(&Literal, usize, usize)| Some(p.elements.ratios()?.get(*at..at.checked_add(*n)?)?.to_vec());
        Elements::Ratios(blocks.iter().map(block).collect::<Option<Vec<_>>>()?.concat())
    } else if matches!(first.elements, Elements::Floats(_)) {
        let block = |(p, at, n): &(&Literal, usize, usize)| Some(p.floats()?.get(*at..at.checked_add(*n)?)?.to_vec());
        Elements::Floats(blocks.iter().map(block).collect::<Option<Vec<_>>>()?.concat())
    } else {
        let block = |(p, at, n): &(&Literal, usize, usize)| Some(p.ints()?.get(*at..at.checked_add(*n)?)?.to_vec());
        Elements::Ints(blocks.iter().map(block).collect::<Option<Vec<_>>>()?.concat())
    };
    Some(Literal { dims, elements })
}

/// Sizes of the parts are an attribute before version 13 and an input from then on; without them the parts are equal,
/// from version 18 on with a smaller last one.
#[derive(Debug)]
struct Split {
    axis: i64,
    stated: Option<Vec<i64>>,
    uneven: bool,
}

fn read_split(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    Ok(Box::new(Split {
        axis: spec.attributes.int_or("axis", 0)?,
        stated: spec.attributes.ints("split")?.map(<[i64]>::to_vec),
        uneven: spec.opset >= 18,
    }))
}

impl Split {
    fn sizes(&self, at: &At, whole: &Dim) -> Result<Vec<Dim>, OpError> {
        let stated = match (&self.stated, at.has(1)) {
            (_, true) => Some(at.ints(1).map_or_else(|| vec![Dim::Unknown; at.n_outputs], <[Dim]>::to_vec)),
            (Some(stated), false) => Some(stated.iter().map(|n| Dim::Known(*n)).collect()),
            (None, false) => None,
        };
        if let Some(sizes) = stated {
            let total = sizes.iter().fold(Dim::Known(0), |sum, n| sum.plus(n));
            if sizes.len() != at.n_outputs || total.agree(whole).is_none() {
                let parts = sizes.iter().map(Dim::to_string).collect::<Vec<_>>().join(" + ");
                let n = at.n_outputs;
                return Err(OpError::invalid(format!("parts of {parts} for {n} outputs from a size of {whole}")));
            }
            return Ok(sizes);
        }
        let parts = Dim::from(u64::try_from(at.n_outputs).unwrap_or(u64::MAX));
        let each = whole.ceil_div(&parts);
        if whole.known().is_some() && whole.modulo(&parts) != Dim::Known(0) && !self.uneven {
            return Err(OpError::invalid(format!("a size of {whole} cannot be split into {parts} equal parts")));
        }
        // A free size is taken to divide evenly unless the last part may be smaller.
        let each = if whole.known().is_none() && !self.uneven { whole.floor_div(&parts) } else { each };
        if whole.known().is_some() {
            // Of few for many parts the last ones may have nothing left.
            let left = |before: i64| whole.minus(&each.times(&Dim::Known(before))).larger(&Dim::Known(0));
            return Ok((0i64..).take(at.n_outputs).map(|before| each.smaller(&left(before))).collect());
        }
        let others = parts.minus(&Dim::Known(1)).times(&each);
        let mut sizes = vec![each.clone(); at.n_outputs];
        if let Some(last) = sizes.last_mut().filter(|_| whole.exact_div(&parts).is_none() && self.uneven) {
            *last = whole.minus(&others).larger(&Dim::Known(0));
        }
        Ok(sizes)
    }
}

impl Operator for Split {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = at.require(0)?;
        let Some(dims) = x.shape.dims() else { return Ok(vec![x.without_rank().into(); at.n_outputs]) };
        let axis = axis(self.axis, dims.len())?;
        let one = |size: Dim| {
            let mut dims = dims.to_vec();
            dims[axis] = size;
            x.with_dims(dims).into()
        };
        Ok(self.sizes(at, &dims[axis])?.into_iter().map(one).collect())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        let mut start = 0usize;
        let folded = |i: usize| {
            let x = at.literal(0)?;
            let n = match (at.output(i)?.shape.sizes()?.as_slice(), x.dims.as_slice()) {
                ([n], [_]) => usize::try_from(*n).ok()?,
                _ => return None,
            };
            let from = start;
            start = start.checked_add(n)?;
            x.pick(vec![n], from..start)
        };
        (0..at.n_outputs).map(folded).collect()
    }

    fn work(&self, _: &At) -> Work {
        Work::Free
    }

    fn window(&self, at: &At) -> Window {
        match at.dims(0).map(|d| axis(self.axis, d.len())) {
            Some(Ok(0 | 1)) => Window::Pointwise,
            Some(Ok(_)) => Window::Opaque("it splits along a spatial axis"),
            _ => Window::Opaque("the number of dimensions is not known"),
        }
    }
}
