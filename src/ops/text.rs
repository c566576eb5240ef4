//! Text: tensors of strings put together, cleaned, split, matched, and n-grams counted.

use super::kernel::Kernel;
use super::rules::{At, Class, OpError, OpKind, OpenWeight, Operator, Slot, Spec, Storage, Window, Work, data};
use crate::tensor::{DType, Dim, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("StringConcat", &[data("X"), data("Y")]),
    op("StringNormalizer", &[data("X")]),
    op("StringSplit", &[data("X")]),
    op("RegexFullMatch", &[data("X")]),
    op("TfIdfVectorizer", &[data("X")]),
];

const fn op(name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain: "", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
enum Text {
    Concat,
    /// Whether it leaves words out.
    Normalize {
        drops: bool,
    },
    Split,
    Match,
    /// Into so many coordinates.
    Vectorize {
        coordinates: Dim,
    },
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let attributes = spec.attributes;
    Ok(Box::new(match spec.kind.name {
        "StringConcat" => Text::Concat,
        "StringNormalizer" => {
            Text::Normalize { drops: attributes.strings("stopwords")?.is_some_and(|words| !words.is_empty()) }
        }
        "StringSplit" => Text::Split,
        "RegexFullMatch" => Text::Match,
        _ => {
            let last = attributes.ints("ngram_indexes")?.and_then(|indexes| indexes.iter().max());
            let Some(last) = last else { return Err(OpError::invalid("`ngram_indexes` is missing or empty")) };
            Text::Vectorize { coordinates: Dim::Known(*last).plus(&Dim::Known(1)) }
        }
    }))
}

/// `[C]` or `[1, C]` without the words that are dropped; one empty string where none is left.
fn normalized(x: &Shape, drops: bool) -> Result<Shape, OpError> {
    let Some(dims) = x.dims() else { return Ok(Shape::Unranked) };
    let (1 | 2, Some((words, first))) = (dims.len(), dims.split_last()) else {
        return Err(OpError::invalid(format!("the input has {} dimensions, not 1 or 2", dims.len())));
    };
    let words = match words {
        _ if drops => Dim::Unknown,
        Dim::Known(0) => Dim::Known(1),
        words => words.clone(),
    };
    Ok(Shape::Ranked(first.iter().cloned().chain([words]).collect()))
}

impl Operator for Text {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let x = &at.require(0)?.shape;
        let parts = || x.dims().map_or(Shape::Unranked, |d| Shape::Ranked([d, &[Dim::Unknown]].concat()));
        let types = match self {
            Text::Concat => {
                let y = &at.require(1)?.shape;
                let both = x.broadcast(y).map_err(|(a, b)| {
                    OpError::invalid(format!("strings of {x} and of {y} do not go together ({a} and {b})"))
                })?;
                vec![(DType::String, both)]
            }
            Text::Normalize { drops } => vec![(DType::String, normalized(x, *drops)?)],
            Text::Split => vec![(DType::String, parts()), (DType::I64, x.clone())],
            Text::Match => vec![(DType::Bool, x.clone())],
            Text::Vectorize { coordinates } => {
                let shape = match x.dims() {
                    None => Shape::Unranked,
                    Some([_]) => Shape::Ranked(vec![coordinates.clone()]),
                    Some([rows, _]) => Shape::Ranked(vec![rows.clone(), coordinates.clone()]),
                    Some(dims) => {
                        return Err(OpError::invalid(format!("the input has {} dimensions, not 1 or 2", dims.len())));
                    }
                };
                vec![(DType::F32, shape)]
            }
        };
        Ok(types.into_iter().map(|(dtype, shape)| TensorType::new(dtype, shape).into()).collect())
    }

    fn fold(&self, at: &At) -> Vec<Option<Literal>> {
        vec![None; at.n_outputs]
    }

    fn work(&self, _: &At) -> Work {
        Work::Uncounted(Class::Other, "text costs what its length asks for".into())
    }

    fn window(&self, _: &At) -> Window {
        match self {
            Text::Concat | Text::Match => Window::Pointwise,
            Text::Normalize { .. } | Text::Split | Text::Vectorize { .. } => Window::Opaque("words have no place"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::attributes::Attribute;
    use super::super::testing::{Case, f32, tensor};
    use super::*;

    fn strings(dims: &[Dim]) -> ValueType {
        tensor(DType::String, dims)
    }

    #[test]
    fn only_stop_words_make_the_number_of_words_unknown() {
        let case = |drops: bool, words: i64| {
            let case = Case::new("", "StringNormalizer", 10).input(strings(&[Dim::Known(1), Dim::Known(words)]));
            if drops { case.with("stopwords", Attribute::Strings(vec!["monday".into()])) } else { case }
        };
        assert_eq!(case(false, 6).infer().unwrap(), vec![strings(&[Dim::Known(1), Dim::Known(6)])]);
        assert_eq!(case(false, 0).infer().unwrap(), vec![strings(&[Dim::Known(1), Dim::Known(1)])]);
        assert_eq!(case(true, 6).infer().unwrap(), vec![strings(&[Dim::Known(1), Dim::Unknown])]);
    }

    /// The specification: [N, C] becomes [N, max(ngram_indexes) + 1].
    #[test]
    fn n_grams_are_counted_by_coordinate() {
        let case = Case::new("", "TfIdfVectorizer", 9)
            .with("ngram_indexes", Attribute::Ints(vec![0, 6, 2]))
            .input(tensor(DType::I32, &[Dim::Known(2), Dim::Known(12)]));
        assert_eq!(case.infer().unwrap(), vec![f32(&[2, 7])]);
    }
}
