//! Features before they reach a model (domain `ai.onnx.ml`): scaled, encoded, looked up, collected from maps and put
//! into them. Sizes that the specification leaves open are those that ONNX Runtime 1.32 makes.

use super::attributes::{Attribute, Attributes};
use super::kernel::Kernel;
use super::rules::{
    At, Class, OpError, OpKind, OpenWeight, Operations, Operator, Slot, Spec, Storage, Window, Work, data, steer,
};
use crate::tensor::{DType, Dim, List, Literal, Shape, TensorType, ValueType};

/// The operators of this room.
pub(super) static OPS: &[OpKind] = &[
    op("ArrayFeatureExtractor", &[data("X"), steer("Y")]),
    op("Binarizer", X),
    op("CastMap", X),
    op("CategoryMapper", X),
    op("DictVectorizer", X),
    op("FeatureVectorizer", X),
    op("Imputer", X),
    op("LabelEncoder", X),
    op("Normalizer", X),
    op("OneHotEncoder", X),
    op("Scaler", X),
    op("ZipMap", X),
];

const X: &[Slot] = &[data("X")];

const fn op(name: &'static str, slots: &'static [Slot]) -> OpKind {
    OpKind { domain: "ai.onnx.ml", name, slots, storage: Storage::Fresh, kernel: Kernel::Unmeasured, read }
}

#[derive(Debug)]
enum Feature {
    /// Columns picked by position.
    Extract,
    /// Another value for each element, of this type; `None` keeps the type.
    Map {
        to: Option<DType>,
        each: Operations,
    },
    /// Strings become integers, and integers strings.
    Swap,
    /// A map's values in the order of its keys, or at their keys in so many columns.
    FromMap {
        to: DType,
        columns: Dim,
    },
    /// A map's values at the places that a vocabulary of so many words gives their keys.
    FromVocabulary {
        words: Dim,
    },
    /// Columns of all inputs side by side.
    Collect,
    OneHot {
        categories: Dim,
    },
    /// Rows divided by a norm.
    Normalize,
    /// A map for each row.
    ToMaps {
        keys: DType,
    },
}

fn read(spec: &Spec) -> Result<Box<dyn Operator>, OpError> {
    let attributes = spec.attributes;
    let none = Operations::default();
    Ok(Box::new(match spec.kind.name {
        "ArrayFeatureExtractor" => Feature::Extract,
        "Binarizer" | "Imputer" => Feature::Map { to: None, each: Operations { compare: 1, ..none } },
        "Scaler" => Feature::Map { to: Some(DType::F32), each: Operations { add: 1, mul: 1, ..none } },
        "LabelEncoder" => match values(attributes)? {
            Some(to) => Feature::Map { to: Some(to), each: none },
            None => Feature::Swap,
        },
        "CategoryMapper" => Feature::Swap,
        "CastMap" => Feature::FromMap {
            to: match attributes.string("cast_to")?.unwrap_or("TO_FLOAT") {
                "TO_FLOAT" => DType::F32,
                "TO_INT64" => DType::I64,
                "TO_STRING" => DType::String,
                other => return Err(OpError::invalid(format!("`cast_to` is `{other}`"))),
            },
            columns: match attributes.string("map_form")? {
                Some("SPARSE") => Dim::Known(attributes.int_or("max_map", 1)?),
                _ => Dim::Unknown,
            },
        },
        "DictVectorizer" => Feature::FromVocabulary { words: entries(attributes, "vocabulary")?.into() },
        "FeatureVectorizer" => Feature::Collect,
        "OneHotEncoder" => Feature::OneHot { categories: entries(attributes, "cats")?.into() },
        "Normalizer" => Feature::Normalize,
        _ => {
            let strings = attributes.get("classlabels_strings").is_some();
            Feature::ToMaps { keys: if strings { DType::String } else { DType::I64 } }
        }
    }))
}

/// The element type that a `LabelEncoder` of version 2 or later makes; version 1 has no values.
fn values(attributes: &Attributes) -> Result<Option<DType>, OpError> {
    let stated = |name: &str, dtype| attributes.get(name).map(|_| dtype);
    if let Some(Attribute::Tensor { dtype, .. }) = attributes.get("values_tensor") {
        return Ok(Some(*dtype));
    }
    let listed = stated("values_strings", DType::String)
        .or(stated("values_int64s", DType::I64))
        .or(stated("values_floats", DType::F32));
    if listed.is_none() && attributes.get("classes_strings").is_none() {
        return Err(OpError::invalid("`values_*` is missing"));
    }
    Ok(listed)
}

/// The length of the one list that is given of the two for strings and integers.
fn entries(attributes: &Attributes, what: &str) -> Result<u64, OpError> {
    let (strings, integers) = match what {
        "vocabulary" => ("string_vocabulary", "int64_vocabulary"),
        _ => ("cats_strings", "cats_int64s"),
    };
    let length = match attributes.strings(strings)? {
        Some(list) => list.len(),
        None => attributes.ints(integers)?.unwrap_or(&[]).len(),
    };
    match u64::try_from(length) {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(OpError::invalid(format!("`{strings}` and `{integers}` are missing or empty"))),
    }
}

/// Rows and columns; one dimension is one row.
pub(super) fn table(shape: &Shape) -> Result<(Dim, Dim), OpError> {
    match shape.dims() {
        None => Ok((Dim::Unknown, Dim::Unknown)),
        Some([columns]) => Ok((Dim::Known(1), columns.clone())),
        Some([rows, columns]) => Ok((rows.clone(), columns.clone())),
        Some(dims) => Err(OpError::invalid(format!("the input has {} dimensions, not 1 or 2", dims.len()))),
    }
}

fn extracted(at: &At) -> Result<TensorType, OpError> {
    let x = at.require(0)?;
    let picked = at.require(1)?.shape.volume();
    let shape = match x.shape.dims() {
        None => Shape::Unranked,
        Some([_]) => Shape::Ranked(vec![Dim::Known(1), picked]),
        Some([first @ .., _]) => Shape::Ranked(first.iter().cloned().chain([picked]).collect()),
        Some([]) => return Err(OpError::invalid("the input is a scalar")),
    };
    Ok(TensorType { dtype: x.dtype, shape })
}

fn collected(at: &At) -> Result<TensorType, OpError> {
    let (rows, mut columns) = table(&at.require(0)?.shape)?;
    for i in 1..at.inputs.len() {
        columns = columns.plus(&table(&at.require(i)?.shape)?.1);
    }
    Ok(TensorType::new(DType::F32, Shape::Ranked(vec![rows, columns])))
}

/// The type of the values of the map that goes in.
fn map_values(at: &At) -> Option<DType> {
    match at.inputs.first().copied().flatten() {
        Some(ValueType::Map(_, values)) => values.tensor().and_then(|t| t.dtype),
        _ => None,
    }
}

impl Operator for Feature {
    fn weights(&self, _: &At) -> Result<Vec<OpenWeight>, OpError> {
        Ok(Vec::new())
    }

    fn infer(&self, at: &At) -> Result<Vec<ValueType>, OpError> {
        let row = |columns: &Dim| Shape::Ranked(vec![Dim::Known(1), columns.clone()]);
        let output = match self {
            Feature::Extract => extracted(at)?,
            Feature::Collect => collected(at)?,
            Feature::FromMap { to, columns } => TensorType::new(*to, row(columns)),
            Feature::FromVocabulary { words } => TensorType { dtype: map_values(at), shape: row(words) },
            Feature::ToMaps { keys } => {
                let value = TensorType::new(DType::F32, Shape::scalar()).into();
                return Ok(vec![List::of(ValueType::Map(*keys, Box::new(value))).into()]);
            }
            Feature::Map { .. } | Feature::Swap | Feature::OneHot { .. } | Feature::Normalize => {
                let TensorType { dtype, shape } = at.require(0)?.clone();
                match self {
                    Feature::Map { to, .. } => TensorType { dtype: to.or(dtype), shape },
                    Feature::Swap => {
                        let other = |d| if d == DType::String { DType::I64 } else { DType::String };
                        TensorType { dtype: dtype.map(other), shape }
                    }
                    Feature::OneHot { categories } => {
                        let dims = shape.dims().map(|d| d.iter().chain([categories]).cloned().collect());
                        TensorType::new(DType::F32, dims.map_or(Shape::Unranked, Shape::Ranked))
                    }
                    _ => TensorType::new(DType::F32, shape),
                }
            }
        };
        Ok(vec![output.into()])
    }

    fn fold(&self, _: &At) -> Vec<Option<Literal>> {
        vec![None]
    }

    fn work(&self, at: &At) -> Work {
        match self {
            Feature::Map { each, .. } if *each != Operations::default() => {
                Work::elementwise(Class::Other, *each, at.output_elements(0))
            }
            Feature::Normalize => {
                let each = Operations { mul: 1, add: 1, div: 1, ..Operations::default() };
                Work::elementwise(Class::ResponseNorm, each, at.output_elements(0))
            }
            _ => Work::Free,
        }
    }

    fn window(&self, _: &At) -> Window {
        match self {
            Feature::Map { .. } | Feature::Swap => Window::Pointwise,
            _ => Window::Opaque("features have no place"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, f32, tensor};
    use super::*;

    fn ml(name: &'static str) -> Case {
        Case::new("ai.onnx.ml", name, 3)
    }

    /// Sizes as ONNX Runtime 1.32 makes them.
    #[test]
    fn a_single_row_stays_one_and_columns_add_up() {
        let picked = Literal::vector(vec![Dim::Known(0), Dim::Known(2)]);
        assert_eq!(ml("ArrayFeatureExtractor").input(f32(&[3])).known(picked).infer().unwrap(), vec![f32(&[1, 2])]);
        let both = ml("FeatureVectorizer").input(f32(&[5, 3])).input(f32(&[5, 2]));
        assert_eq!(both.infer().unwrap(), vec![f32(&[5, 5])]);
        let categories = Attribute::Ints(vec![0, 1, 2, 3]);
        let encoded = ml("OneHotEncoder").with("cats_int64s", categories).input(f32(&[5, 3]));
        assert_eq!(encoded.infer().unwrap(), vec![f32(&[5, 3, 4])]);
    }

    #[test]
    fn labels_take_the_type_of_their_values() {
        let strings = tensor(DType::String, &[Dim::symbol("N")]);
        let integers = tensor(DType::I64, &[Dim::symbol("N")]);
        let first = ml("LabelEncoder").with("classes_strings", Attribute::Strings(vec!["a".into()]));
        assert_eq!(first.input(strings.clone()).infer().unwrap(), vec![integers.clone()]);
        let second = ml("LabelEncoder").with("values_strings", Attribute::Strings(vec!["a".into()]));
        assert_eq!(second.input(integers.clone()).infer().unwrap(), vec![strings]);
        assert!(ml("LabelEncoder").input(integers).infer().is_err());
    }
}
