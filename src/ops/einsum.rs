//! Einstein summation: any equation, ellipses and repeated indices included.
//!
//! Operands are taken in pairs, left to right, as ONNX Runtime does
//! (`core/providers/cpu/math/einsum_utils/einsum_typed_compute_processor.cc`, `Run` and `PairwiseOperandProcess`) and
//! PyTorch without `opt_einsum`: an index that no later operand and not the result has is summed where it is last seen.
//! Where both of a pair have it, the pair costs as many multiply-accumulates as there are combinations of the indices of
//! both; where one has it, that one is added up before. A pair without a summed index is only multiplied.

use super::kernel::Kernel;
use super::rules::{
    Arithmetic, At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Spec, Storage, Window, Work, data,
};
use crate::tensor::{Dim, Literal, Shape, TensorType, ValueType};
use std::collections::BTreeMap;

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[OpKind {
    domain: "",
    name: "Einsum",
    slots: &[data("Inputs")],
    storage: Storage::Fresh,
    kernel: Kernel::Unmeasured,
    read,
}];

/// A place in a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Index {
    /// A named dimension.
    Letter(char),
    /// A dimension of the ellipsis, counted from its end.
    Ellipsis(usize),
}

type Term = Vec<Index>;

#[derive(Debug)]
struct Einsum {
    /// Operands, as written: `...` is one place.
    terms: Vec<Term>,
    output: Term,
}

/// Stands in a term for the whole `...`.
const DOTS: Index = Index::Ellipsis(0);

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let equation = spec.attributes.string("equation")?.ok_or_else(|| OpError::invalid("`equation` is missing"))?;
    parse(equation).map(|e| Box::new(e) as Box<dyn Operator>)
}

fn parse(equation: &str) -> Result<Einsum, OpError> {
    let equation: String = equation.chars().filter(|c| *c != ' ').collect();
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation.as_str(), None),
    };
    let terms = left.split(',').map(parse_term).collect::<Result<Vec<_>, _>>()?;
    let output = match right {
        Some(right) => {
            let output = parse_term(right)?;
            if let Some(c) = output.iter().find(|i| !terms.iter().flatten().any(|j| j == *i)) {
                let what = if let Index::Letter(c) = c { c.to_string() } else { "...".into() };
                return Err(OpError::invalid(format!("`{what}` of the result of `{equation}` is in no operand")));
            }
            output
        }
        None => implicit(&terms),
    };
    Ok(Einsum { terms, output })
}

fn parse_term(text: &str) -> Result<Term, OpError> {
    let mut term = Vec::new();
    for (i, part) in text.split("...").enumerate() {
        match i {
            0 => {}
            1 => term.push(DOTS),
            _ => return Err(OpError::invalid(format!("`{text}` has two ellipses"))),
        }
        for c in part.chars() {
            if !c.is_ascii_alphabetic() {
                return Err(OpError::invalid(format!("`{text}` has `{}`, which is no letter", c.escape_default())));
            }
            term.push(Index::Letter(c));
        }
    }
    Ok(term)
}

/// Without `->`: the ellipsis, then the letters that occur once, capitals first.
fn implicit(terms: &[Term]) -> Term {
    let mut counts: BTreeMap<char, usize> = BTreeMap::new();
    for index in terms.iter().flatten() {
        if let Index::Letter(c) = index {
            *counts.entry(*c).or_default() += 1;
        }
    }
    let dots = terms.iter().flatten().any(|i| *i == DOTS).then_some(DOTS);
    let once = counts.into_iter().filter(|(_, n)| *n == 1).map(|(c, _)| Index::Letter(c));
    dots.into_iter().chain(once).collect()
}

impl Einsum {
    /// The size of every index, and how many dimensions the ellipsis has (`None` where an operand's rank is unknown).
    fn sizes(&self, at: &At) -> Result<(BTreeMap<Index, Dim>, Option<usize>), OpError> {
        if at.inputs.len() != self.terms.len() {
            let (given, wanted) = (at.inputs.len(), self.terms.len());
            return Err(OpError::invalid(format!("{given} operands for an equation of {wanted}")));
        }
        let mut sizes: BTreeMap<Index, Dim> = BTreeMap::new();
        let mut ellipsis = Some(0);
        for (position, term) in self.terms.iter().enumerate() {
            let Some(dims) = at.require(position)?.shape.dims() else {
                ellipsis = ellipsis.filter(|_| !term.contains(&DOTS));
                continue;
            };
            let (places, dots) = spread(term, dims.len())?;
            ellipsis = ellipsis.map(|n: usize| n.max(dots));
            for (index, dim) in places.into_iter().zip(dims) {
                let merged = match sizes.get(&index) {
                    None => dim.clone(),
                    Some(other) => same(index, other, dim)?,
                };
                sizes.insert(index, merged);
            }
        }
        Ok((sizes, ellipsis))
    }
}

/// What the steps cost that an equation is computed in.
#[derive(Clone, Copy, Debug, Default)]
struct Steps {
    macs: u64,
    operations: Operations,
}

/// The size of every index of an operand.
type Operand = BTreeMap<Index, u64>;

impl Einsum {
    /// Combinations of all indices.
    fn combinations(&self, at: &At) -> Option<u64> {
        let (sizes, ellipsis) = self.sizes(at).ok()?;
        ellipsis?;
        sizes.values().try_fold(1u64, |p, d| p.checked_mul(d.size()?))
    }

    /// Operands in pairs, left to right; `None` where a size is not known.
    fn steps(&self, at: &At) -> Option<Steps> {
        let (_, dots) = self.sizes(at).ok()?;
        let letters = self.output.iter().filter(|i| **i != DOTS).count();
        let dots = if self.output.contains(&DOTS) { dots? } else { 0 };
        let (output, _) = spread(&self.output, letters.checked_add(dots)?).ok()?;
        let operand = |(position, term)| {
            let dims = at.dims(position)?;
            let (places, _) = spread(term, dims.len()).ok()?;
            places.into_iter().zip(dims).map(|(index, dim)| Some((index, dim.size()?))).collect::<Option<Operand>>()
        };
        let operands = self.terms.iter().enumerate().map(operand).collect::<Option<Vec<_>>>()?;
        let last = |index: &Index| operands.iter().rposition(|operand| operand.contains_key(index));
        let mut steps = Steps::default();
        let mut made = Operand::new();
        for (position, next) in operands.iter().enumerate() {
            let mut next = next.clone();
            let ends = |index: &Index| !output.contains(index) && last(index) == Some(position);
            if position == 0 {
                steps.add_up(&mut next, ends)?;
                made = next;
                continue;
            }
            let (left, right) = (made.clone(), next.clone());
            steps.add_up(&mut made, |index| ends(index) && is_alone(*index, &left, &right))?;
            steps.add_up(&mut next, |index| ends(index) && is_alone(*index, &right, &left))?;
            let contracts = made.keys().any(|index| ends(index) && next.contains_key(index));
            for (index, size) in next {
                let both = made.entry(index).or_insert(size);
                *both = size.max(*both);
            }
            let combinations = elements(&made)?;
            let sum = if contracts { &mut steps.macs } else { &mut steps.operations.mul };
            *sum = sum.checked_add(combinations)?;
            made.retain(|index, _| !ends(index));
        }
        Some(steps)
    }
}

impl Steps {
    /// Adds an operand up along some of its indices.
    fn add_up(&mut self, operand: &mut Operand, along: impl Fn(&Index) -> bool) -> Option<()> {
        if operand.keys().any(&along) {
            self.operations.add = self.operations.add.checked_add(elements(operand)?)?;
            operand.retain(|index, _| !along(index));
        }
        Some(())
    }
}

/// Whether there is nothing in the other operand to multiply with along an index.
fn is_alone(index: Index, own: &Operand, other: &Operand) -> bool {
    other.get(&index).is_none_or(|size| *size == 1 && own.get(&index) != Some(&1))
}

fn elements(operand: &Operand) -> Option<u64> {
    operand.values().try_fold(1u64, |p, n| p.checked_mul(*n))
}

/// A term with its ellipsis spelled out for an operand of this rank, and how many dimensions the ellipsis takes.
fn spread(term: &Term, rank: usize) -> Result<(Term, usize), OpError> {
    let letters = term.iter().filter(|i| **i != DOTS).count();
    let dots = rank
        .checked_sub(letters)
        .filter(|n| *n == 0 || term.contains(&DOTS))
        .ok_or_else(|| OpError::invalid(format!("an operand of {rank} dimensions for a term of {letters} letters")))?;
    let places = term.iter().flat_map(|index| match index {
        Index::Ellipsis(_) => (0..dots).rev().map(Index::Ellipsis).collect(),
        letter @ Index::Letter(_) => vec![*letter],
    });
    Ok((places.collect(), dots))
}

/// The size that two operands give to one index: equal, or 1 and anything.
fn same(index: Index, a: &Dim, b: &Dim) -> Result<Dim, OpError> {
    let one = |d: &Dim| Shape::Ranked(vec![d.clone()]);
    match one(a).broadcast(&one(b)) {
        Ok(Shape::Ranked(dims)) => Ok(dims.into_iter().next().unwrap_or(Dim::Unknown)),
        Ok(Shape::Unranked) => Ok(Dim::Unknown),
        Err((a, b)) => {
            let what = if let Index::Letter(c) = index { format!("`{c}`") } else { "the ellipsis".into() };
            Err(OpError::invalid(format!("{what} is {a} in one operand and {b} in another")))
        }
    }
}

impl Operator for Einsum {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let dtype = at.require(0)?.dtype;
        let (sizes, ellipsis) = self.sizes(at)?;
        let letters = self.output.iter().filter(|i| **i != DOTS).count();
        let rank =
            if self.output.contains(&DOTS) { ellipsis.map(|n| n.saturating_add(letters)) } else { Some(letters) };
        let shape = match rank {
            None => Shape::Unranked,
            Some(rank) => {
                let (places, _) = spread(&self.output, rank)?;
                Shape::Ranked(places.iter().map(|i| sizes.get(i).cloned().unwrap_or(Dim::Unknown)).collect())
            }
        };
        Ok(vec![TensorType { dtype, shape }.into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        let summed = self.terms.iter().flatten().any(|i| !self.output.contains(i));
        if self.terms.len() <= 1 && !summed {
            return Work::Free;
        }
        let Some(Steps { macs, operations }) = self.steps(at) else { return Work::counted(None) };
        let class = match (macs, operations.mul) {
            (0, 0) => Class::Reduction,
            (0, _) => Class::Multiply,
            _ => Class::Product,
        };
        let looks_at = || self.combinations(at)?.checked_div(at.output_elements(0)?);
        Work::counted(looks_at().map(|window| Arithmetic { class, macs, biases: 0, window, operations }))
    }

    fn window(&self, _: &At) -> Window {
        // Places stay where they are if the first operand's spatial indices come out in the same positions.
        match self.terms.first() {
            Some(first) if first.get(2..) == self.output.get(2..) && !first.contains(&DOTS) => Window::Pointwise,
            _ => Window::Opaque("the equation mixes axes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32};
    use super::*;
    use crate::ops::attributes::Attribute;

    fn case(equation: &str, operands: &[&[u64]]) -> Case {
        let case = Case::new("", "Einsum", 12).with("equation", Attribute::String(equation.into()));
        operands.iter().fold(case, |case, sizes| case.input(f32(sizes)))
    }

    fn shape(equation: &str, operands: &[&[u64]]) -> Result<Vec<ValueType>, OpError> {
        case(equation, operands).infer()
    }

    #[test]
    fn results_are_what_numpy_makes() {
        assert_eq!(shape("ij,jk", &[&[2, 3], &[3, 4]]), Ok(vec![f32(&[2, 4])]));
        assert_eq!(shape("...ii ->...i", &[&[3, 5, 5]]), Ok(vec![f32(&[3, 5])]));
        assert_eq!(shape("bij, bjk -> bik", &[&[5, 2, 3], &[5, 3, 4]]), Ok(vec![f32(&[5, 2, 4])]));
        assert_eq!(shape("...ij,...jk", &[&[7, 1, 2, 3], &[5, 3, 4]]), Ok(vec![f32(&[7, 5, 2, 4])]));
        assert_eq!(shape("bA", &[&[2, 3]]), Ok(vec![f32(&[3, 2])]));
        assert_eq!(shape("i,i", &[&[4], &[4]]), Ok(vec![f32(&[])]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(shape("ij,jk", &[&[2, 3], &[4, 4]]).is_err());
        assert!(shape("ij", &[&[2, 3, 4]]).is_err());
        assert!(shape("ij->k", &[&[2, 3]]).is_err());
        assert!(shape("i...j...", &[&[2, 3]]).is_err());
        assert!(shape("i,j", &[&[2]]).is_err());
    }

    #[test]
    fn two_operands_cost_the_product_of_all_index_sizes() {
        let Work::Counted(work) = case("bhqd,bhkd->bhqk", &[&[2, 8, 10, 64], &[2, 8, 12, 64]]).work() else { panic!() };
        assert_eq!((work.macs, work.class, work.window), (2 * 8 * 10 * 12 * 64, Class::Product, 64));
        let Work::Counted(outer) = case("i,j->ij", &[&[3], &[4]]).work() else { panic!() };
        assert_eq!((outer.macs, outer.operations.mul), (0, 12));
        assert_eq!(case("ij->ji", &[&[3, 4]]).work(), Work::Free);
    }

    /// By hand; multiply-accumulates are also half of what PyTorch 2.15's `FlopCounterMode` counts without `opt_einsum`:
    /// 128, 2304, 3456, 70, 16, 0, 0, 30 and 0.
    #[test]
    fn operands_are_taken_in_pairs_from_left_to_right() {
        let work = |equation: &str, operands: &[&[u64]]| {
            let Work::Counted(work) = case(equation, operands).work() else { panic!("{equation}") };
            (work.macs, work.operations.mul, work.operations.add)
        };
        // 2·3·4 and 2·4·5, where all at once would be 2·3·4·5.
        assert_eq!(work("ij,jk,kl->il", &[&[2, 3], &[3, 4], &[4, 5]]), (24 + 40, 0, 0));
        assert_eq!(work("bi,ir,ro->bo", &[&[6, 8], &[8, 8], &[8, 16]]), (6 * 8 * 8 + 6 * 8 * 16, 0, 0));
        let attention = work("bhqd,bhkd,bhkv->bhqv", &[&[2, 3, 4, 5], &[2, 3, 6, 5], &[2, 3, 6, 7]]);
        assert_eq!(attention, (6 * (4 * 6 * 5 + 4 * 6 * 7), 0, 0));
        // No index ends before the last operand: an outer product first.
        assert_eq!(work("a,c,ac->", &[&[5], &[7], &[5, 7]]), (35, 35, 0));
        // `i` is in one operand alone: 2·3·4 additions, then 2·4.
        assert_eq!(work("bij,bj->b", &[&[2, 3, 4], &[2, 4]]), (8, 0, 24));
        assert_eq!(work("i,j->", &[&[3], &[4]]), (0, 1, 3 + 4));
        assert_eq!(work("i,j,k->ijk", &[&[2], &[3], &[4]]), (0, 6 + 24, 0));
        assert_eq!(work("...ij,...j->...", &[&[5, 4, 3], &[5, 3]]), (15, 0, 60));
        // Along an index of size 1 there is nothing to multiply with.
        assert_eq!(work("ij,jk->ik", &[&[2, 3], &[1, 4]]), (0, 8, 6));
    }
}
