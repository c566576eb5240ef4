//! The attributes of a node, as an ONNX file or the language's lowering states them.

use super::rules::OpError;
use crate::tensor::{DType, Literal, Shape};
use std::sync::Arc;

/// One attribute's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A whole number.
    Int(i64),
    /// A float.
    Float(f32),
    /// A string; bytes that are not UTF-8 are replaced.
    String(String),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// Floats.
    Floats(Vec<f32>),
    /// Strings.
    Strings(Vec<String>),
    /// A tensor: its type, and its contents where they are small and steer shapes.
    Tensor {
        /// Element type.
        dtype: DType,
        /// Sizes.
        shape: Shape,
        /// Contents.
        literal: Option<Box<Literal>>,
    },
    /// Something that only the front end needs (a type, a list of graphs): kept so that it is seen to be there.
    Other,
}

/// Named attributes in the order of the file. Nodes have few: a list is the fastest map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<(Arc<str>, Attribute)>);

impl Attributes {
    /// None.
    pub fn new() -> Attributes {
        Attributes::default()
    }

    /// None yet, with room for so many.
    pub fn with_room(n: usize) -> Attributes {
        Attributes(Vec::with_capacity(n))
    }

    /// With one more.
    pub fn with(mut self, name: &str, value: Attribute) -> Attributes {
        self.push(name, value);
        self
    }

    /// With one more list of sizes.
    pub fn with_sizes(self, name: &str, sizes: &[u64]) -> Attributes {
        let ints = sizes.iter().map(|n| i64::try_from(*n).unwrap_or(i64::MAX)).collect();
        self.with(name, Attribute::Ints(ints))
    }

    /// With one more whole number.
    pub fn with_int(self, name: &str, value: i64) -> Attributes {
        self.with(name, Attribute::Int(value))
    }

    /// With one more size.
    pub fn with_size(self, name: &str, size: u64) -> Attributes {
        self.with_int(name, i64::try_from(size).unwrap_or(i64::MAX))
    }

    /// Adds one at the end.
    pub fn push(&mut self, name: impl Into<Arc<str>>, value: Attribute) {
        self.0.push((name.into(), value));
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.0.iter().map(|(n, a)| (&**n, a))
    }

    /// The attribute of this name.
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        self.0.iter().find(|(n, _)| &**n == name).map(|(_, a)| a)
    }

    /// A whole number, if stated.
    pub fn int(&self, name: &str) -> Result<Option<i64>, OpError> {
        match self.get(name) {
            None => Ok(None),
            Some(Attribute::Int(n)) => Ok(Some(*n)),
            Some(_) => Err(wrong(name, "a whole number")),
        }
    }

    /// A whole number, or its default.
    pub fn int_or(&self, name: &str, default: i64) -> Result<i64, OpError> {
        Ok(self.int(name)?.unwrap_or(default))
    }

    /// A switch: an integer, true unless 0.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, OpError> {
        Ok(self.int(name)?.map_or(default, |n| n != 0))
    }

    /// A float, if stated.
    pub fn float(&self, name: &str) -> Result<Option<f32>, OpError> {
        match self.get(name) {
            None => Ok(None),
            Some(Attribute::Float(x)) => Ok(Some(*x)),
            Some(_) => Err(wrong(name, "a float")),
        }
    }

    /// A string, if stated.
    pub fn string(&self, name: &str) -> Result<Option<&str>, OpError> {
        match self.get(name) {
            None => Ok(None),
            Some(Attribute::String(s)) => Ok(Some(s)),
            Some(_) => Err(wrong(name, "a string")),
        }
    }

    /// Whole numbers, if stated.
    pub fn ints(&self, name: &str) -> Result<Option<&[i64]>, OpError> {
        match self.get(name) {
            None => Ok(None),
            Some(Attribute::Ints(v)) => Ok(Some(v)),
            Some(_) => Err(wrong(name, "a list of whole numbers")),
        }
    }

    /// Floats, if stated.
    pub fn floats(&self, name: &str) -> Result<Option<&[f32]>, OpError> {
        match self.get(name) {
            None => Ok(None),
            Some(Attribute::Floats(v)) => Ok(Some(v)),
            Some(_) => Err(wrong(name, "a list of floats")),
        }
    }

    /// Strings, if stated.
    pub fn strings(&self, name: &str) -> Result<Option<&[String]>, OpError> {
        match self.get(name) {
            None => Ok(None),
            Some(Attribute::Strings(v)) => Ok(Some(v)),
            Some(_) => Err(wrong(name, "a list of strings")),
        }
    }

    /// Whole numbers that must not be negative, if stated.
    pub fn sizes(&self, name: &str) -> Result<Option<Vec<u64>>, OpError> {
        let Some(ints) = self.ints(name)? else { return Ok(None) };
        let sizes = ints
            .iter()
            .map(|n| u64::try_from(*n).map_err(|_| OpError::invalid(format!("`{name}` has the negative entry {n}"))));
        sizes.collect::<Result<_, _>>().map(Some)
    }
}

fn wrong(name: &str, wanted: &str) -> OpError {
    OpError::invalid(format!("attribute `{name}` is not {wanted}"))
}
