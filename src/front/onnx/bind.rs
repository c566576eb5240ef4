//! What the caller fixes of a graph's inputs: the batch, symbols, whole shapes, and contents that steer shapes.

use super::Bindings;
use super::axis::TRIAL;
use super::proto::TypeProto;
use super::types::{Symbols, Written, value_type};
use super::{shown, text};
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::suggest;
use crate::tensor::{DType, Dim, Elements, Literal, Shape, TensorType, ValueType};
use prost::bytes::Bytes;

/// An input with what is known of it.
pub(super) struct Feed {
    pub(super) name: Bytes,
    pub(super) ty: ValueType,
    pub(super) literal: Option<Literal>,
}

/// Every input, and what was bound.
pub(super) struct Feeds {
    pub(super) inputs: Vec<Feed>,
    pub(super) symbols: Symbols,
    pub(super) batch: Batch,
    /// Where it is.
    pub(super) place: Option<Place>,
    /// Whether a size that the file states was overruled.
    pub(super) overruled: bool,
}

/// A dimension of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) input: usize,
    pub(super) axis: usize,
}

/// Where to look for the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// In the first dimension of the first input with two dimensions or more, or else with one.
    First,
    /// There.
    At(Place),
    /// Nowhere: a symbol stands there instead, [`super::axis::TRIAL`].
    Tried(Place),
}

/// What the batch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Batch {
    /// No input has any dimensions.
    None,
    /// A symbol, with its value if it is bound.
    Symbol(String, Option<u64>),
    /// The file states it: so much, and so much was asked for.
    Fixed { stated: u64, asked: u64 },
}

/// An input's declared type with every dimension that is not a number made a symbol.
struct Declared {
    name: String,
    ty: ValueType,
    /// Positions of dimensions that the file leaves open and that are symbols of their own here.
    open: Vec<String>,
}

impl Declared {
    fn dims_mut(&mut self) -> Option<&mut Vec<Dim>> {
        match &mut self.ty {
            ValueType::Tensor(TensorType { shape: Shape::Ranked(dims), .. }) => Some(dims),
            _ => None,
        }
    }

    fn dims(&self) -> Option<&[Dim]> {
        self.ty.tensor().and_then(|t| t.shape.dims())
    }
}

/// Fixes what is asked for. Every finding is about the request, not the file.
pub(super) fn bind(
    inputs: Vec<(Bytes, Option<TypeProto>)>,
    bindings: &Bindings,
    look: Where,
    findings: &mut Vec<Diagnostic>,
) -> Feeds {
    let (names, mut declared): (Vec<Bytes>, Vec<Declared>) =
        inputs.into_iter().map(|(name, ty)| (name.clone(), declare(&name, ty.as_ref()))).unzip();
    let mut binder = Binder { symbols: Symbols::default(), said: Vec::new(), findings, overruled: false };
    let place = match look {
        Where::First => batch_place(&declared),
        Where::At(place) | Where::Tried(place) => Some(place),
    };
    let batch = place.and_then(|place| Some((place, declared.get(place.input)?.dims()?.get(place.axis)?.clone())));
    for (name, sizes) in &bindings.inputs {
        binder.input(&mut declared, name.as_deref(), sizes);
    }
    for (name, value) in &bindings.dims {
        binder.dim(&declared, name, *value);
    }
    let literals = binder.values(&mut declared, &bindings.values);
    let batch = if let (Where::Tried(place), Some((_, dim))) = (look, &batch) {
        binder.try_at(&mut declared, place, dim);
        Batch::None
    } else {
        binder.batch(&mut declared, batch, bindings.batch)
    };
    let Binder { symbols, overruled, .. } = binder;
    let inputs = names.into_iter().zip(declared).zip(literals);
    let inputs = inputs.map(|((name, declared), literal)| Feed { name, ty: bound(declared.ty, &symbols), literal });
    Feeds { inputs: inputs.collect(), symbols, batch, place, overruled }
}

fn declare(name: &Bytes, proto: Option<&TypeProto>) -> Declared {
    let name = text(name);
    let mut open = Vec::new();
    let mut dim = |position: usize, written: Written| match written {
        Written::Size(n) => Dim::Known(n),
        Written::Symbol(symbol) => Dim::symbol(&symbol),
        Written::Open => {
            open.push(format!("{name}.{position}"));
            Dim::symbol(&format!("{name}.{position}"))
        }
    };
    let ty = proto.map_or(ValueType::Unknown, |p| value_type(p, &mut dim));
    Declared { name, ty, open }
}

/// A type with the symbols that are bound replaced. Dimensions that a file states are symbols or numbers, never
/// expressions.
pub(super) fn bound(ty: ValueType, symbols: &Symbols) -> ValueType {
    let ValueType::Tensor(TensorType { dtype, shape: Shape::Ranked(dims) }) = ty else { return ty };
    let dims = dims.into_iter().map(|dim| match symbol(&dim) {
        Some(name) => symbols.dim(&name),
        None => dim,
    });
    ValueType::Tensor(TensorType { dtype, shape: Shape::Ranked(dims.collect()) })
}

fn symbol(dim: &Dim) -> Option<String> {
    dim.symbols().first().map(ToString::to_string)
}

/// The first dimension of the first input with two dimensions or more, or else with one.
fn batch_place(declared: &[Declared]) -> Option<Place> {
    let first = |least: usize| declared.iter().position(|d| d.dims().is_some_and(|dims| dims.len() >= least));
    first(2).or_else(|| first(1)).map(|input| Place { input, axis: 0 })
}

struct Binder<'a> {
    symbols: Symbols,
    /// Which flag bound which symbol.
    said: Vec<(String, String)>,
    findings: &'a mut Vec<Diagnostic>,
    overruled: bool,
}

impl Binder<'_> {
    fn error(&mut self, code: &'static str, message: String, help: impl Into<String>) {
        self.findings.push(Diagnostic::error(code, Origin::File, message).help(help));
    }

    fn set(&mut self, symbol: &str, value: u64, flag: String) {
        let Ok(value) = i64::try_from(value) else {
            return self.error("number-too-big", format!("`{flag}` is 2^63 or more"), "give a smaller size");
        };
        match self.symbols.0.get(symbol) {
            Some(other) if *other != value => {
                let first = self.said.iter().find(|(s, _)| s == symbol).map_or("", |(_, flag)| flag);
                let message = format!("`{}` is {other} by `{first}` and {value} by `{flag}`", shown(symbol));
                self.error("binding-conflict", message, "drop one of them");
            }
            Some(_) => {}
            None => {
                self.symbols.0.insert(symbol.into(), value);
                self.said.push((symbol.into(), flag));
            }
        }
    }

    fn find(&mut self, declared: &[Declared], name: &str, flag: &str) -> Option<usize> {
        if let Some(at) = declared.iter().position(|d| d.name == name) {
            return Some(at);
        }
        let near = suggest::nearest(name, declared.iter().map(|d| &*d.name));
        let help = match near {
            Some(near) => format!("did you mean `{flag} {}=…`?", shown(near)),
            None => format!("the inputs are {}", list(declared.iter().map(|d| &*d.name))),
        };
        self.error("unknown-input", format!("`{flag} {}` names no input of the graph", shown(name)), help);
        None
    }

    /// `--input`: every dimension of one input.
    fn input(&mut self, declared: &mut [Declared], name: Option<&str>, sizes: &[u64]) {
        let written = sizes.iter().map(u64::to_string).collect::<Vec<_>>().join("x");
        let at = match name {
            Some(name) => self.find(declared, name, "--input"),
            None if declared.len() == 1 => Some(0),
            None => {
                let names = list(declared.iter().map(|d| &*d.name));
                let message = format!("`--input {written}` for a graph with {} inputs: {names}", declared.len());
                let example = declared.first().map_or("NAME", |d| &d.name);
                self.error("unknown-input", message, format!("say which one: `--input {}={written}`", shown(example)));
                None
            }
        };
        let Some(at) = at else { return };
        let input = &mut declared[at];
        let flag = format!("--input {}={written}", shown(&input.name));
        let given: Vec<Dim> = sizes.iter().map(|n| Dim::from(*n)).collect();
        match &mut input.ty {
            ValueType::Tensor(TensorType { shape: Shape::Ranked(dims), .. }) => {
                // Without the batch, as the language writes shapes.
                let dims = if dims.len() == sizes.len() + 1 { &mut dims[1..] } else { &mut dims[..] };
                if dims.len() != sizes.len() {
                    let message = format!("`{flag}` has {} dimensions where the file has {}", sizes.len(), dims.len());
                    return self.error("wrong-rank", message, "give every dimension, or all but the batch");
                }
                for (dim, (size, given)) in dims.iter_mut().zip(sizes.iter().zip(given)) {
                    if let Some(symbol) = symbol(dim) {
                        self.set(&symbol, *size, flag.clone());
                    } else {
                        self.overruled |= *dim != given;
                        *dim = given;
                    }
                }
            }
            ValueType::Tensor(TensorType { shape, .. }) => *shape = Shape::Ranked(given),
            ty @ ValueType::Unknown => *ty = TensorType { dtype: None, shape: Shape::Ranked(given) }.into(),
            ValueType::Sequence(_) | ValueType::Optional(_) | ValueType::Map(..) => {
                self.error("wrong-rank", format!("`{flag}` is not a tensor"), "give shapes of tensors alone");
            }
        }
    }

    /// `--dim`.
    fn dim(&mut self, declared: &[Declared], name: &str, value: u64) {
        let mut symbols: Vec<_> = declared.iter().filter_map(Declared::dims).flatten().flat_map(Dim::symbols).collect();
        symbols.sort();
        symbols.dedup();
        if symbols.iter().any(|s| &**s == name) {
            return self.set(name, value, format!("--dim {}={value}", shown(name)));
        }
        let help = match suggest::nearest(name, symbols.iter().map(|s| &**s)) {
            Some(near) => format!("did you mean `--dim {}={value}`?", shown(near)),
            None if symbols.is_empty() => {
                "the graph has no symbolic dimensions; give shapes: `--input NAME=1x3x224x224`".into()
            }
            None => format!("the symbols are {}", list(symbols.iter().map(|s| &**s))),
        };
        self.error("unknown-dim", format!("`--dim {}` names no dimension of the graph's inputs", shown(name)), help);
    }

    /// `--value`: contents of inputs, one place an input.
    fn values(&mut self, declared: &mut [Declared], values: &[(String, Vec<String>)]) -> Vec<Option<Literal>> {
        let mut literals: Vec<Option<Literal>> = declared.iter().map(|_| None).collect();
        for (name, words) in values {
            let Some(at) = self.find(declared, name, "--value") else { continue };
            let flag = format!("--value {}={}", shown(name), words.join(","));
            let Some(dtype) = declared[at].ty.tensor().and_then(|t| t.dtype) else {
                self.error("bad-value", format!("`{flag}`: the input's element type is not known"), "drop the value");
                continue;
            };
            let elements = match parse(words, dtype) {
                Ok(elements) => elements,
                Err(word) => {
                    let message = format!("`{flag}`: `{word}` is not a value of type {dtype}");
                    self.error("bad-value", message, "separate values by commas: `2,3,5,6`");
                    continue;
                }
            };
            literals[at] = self.fit(&mut declared[at], words.len(), &flag).map(|dims| Literal { dims, elements });
        }
        literals
    }

    /// The sizes of an input that holds so many values.
    fn fit(&mut self, declared: &mut Declared, n: usize, flag: &str) -> Option<Vec<usize>> {
        let symbols = &self.symbols;
        let size = |dim: &Dim| symbol(dim).map_or_else(|| dim.known(), |s| symbols.0.get(&s).copied());
        let Some(dims) = declared.dims_mut() else {
            let ValueType::Tensor(tensor) = &mut declared.ty else { return None };
            tensor.shape = Shape::known(&[n as u64]);
            return Some(vec![n]);
        };
        let known: Option<Vec<usize>> = dims.iter().map(|d| size(d).and_then(|n| usize::try_from(n).ok())).collect();
        match (known, dims.as_slice()) {
            (Some(known), _) if known.iter().try_fold(1usize, |p, n| p.checked_mul(*n)) == Some(n) => Some(known),
            (None, [one]) => {
                let symbol = symbol(one)?;
                self.set(&symbol, n as u64, flag.into());
                Some(vec![n])
            }
            _ => {
                let shape = Shape::Ranked(dims.clone());
                let message = format!("`{flag}` has {n} values for an input of {shape}");
                self.error("bad-value", message, "give as many values as the input holds");
                None
            }
        }
    }

    /// `--batch`, and what the batch is without it.
    fn batch(&mut self, declared: &mut [Declared], dimension: Option<(Place, Dim)>, asked: Option<u64>) -> Batch {
        let Some((Place { input: at, axis }, dim)) = dimension else { return Batch::None };
        let Some(symbol) = symbol(&dim) else {
            // What `--input` may have put in its place.
            let now = declared[at].dims().and_then(|d| d.get(axis)).and_then(Dim::size).unwrap_or(1);
            let stated = dim.size().unwrap_or(1);
            if let Some(asked) = asked.filter(|asked| now != stated && now != *asked) {
                let input = shown(&declared[at].name).into_owned();
                let message =
                    format!("`{input}` has a batch of {now} by `--input` and of {asked} by `--batch {asked}`");
                self.error("binding-conflict", message, "drop one of them");
                return Batch::Fixed { stated, asked: now };
            }
            let asked = asked.unwrap_or(now);
            if asked != stated {
                self.rebatch(declared, axis, (stated, asked));
            }
            return Batch::Fixed { stated, asked };
        };
        // Exporters that leave the batch open do so at every input.
        let mut symbols = vec![symbol.clone()];
        if declared[at].open.contains(&symbol) {
            symbols.extend(
                declared
                    .iter()
                    .map(|d| format!("{}.{axis}", d.name))
                    .filter(|s| declared.iter().any(|d| d.open.contains(s))),
            );
        }
        let before = self.symbols.0.get(&symbol).copied();
        match (asked, before) {
            (Some(n), _) => symbols.iter().for_each(|s| self.set(s, n, format!("--batch {n}"))),
            (None, Some(_)) => {}
            (None, None) => {
                for symbol in &symbols {
                    self.symbols.0.entry(symbol.clone()).or_insert(1);
                }
                let message = format!("the batch, `{}`, is open: sized for 1", shown(&symbol));
                self.findings
                    .push(Diagnostic::hint("batch-assumed", Origin::File, message).help("say which: `--batch 8`"));
            }
        }
        let value = self.symbols.0.get(&symbol).and_then(|n| u64::try_from(*n).ok());
        Batch::Symbol(symbol, value)
    }

    /// Puts another batch into every input that has the one that the file states in the same dimension, or in its only
    /// one.
    fn rebatch(&mut self, declared: &mut [Declared], axis: usize, (stated, asked): (u64, u64)) {
        for dims in declared.iter_mut().filter_map(Declared::dims_mut) {
            let axis = if dims.len() == 1 { 0 } else { axis };
            if let Some(dim) = dims.get_mut(axis)
                && dim.size() == Some(stated)
            {
                *dim = Dim::from(asked);
                self.overruled = true;
            }
        }
    }

    /// Puts the symbol of a trial into a dimension, and into all that have the same symbol.
    fn try_at(&mut self, declared: &mut [Declared], place: Place, dim: &Dim) {
        let trial = Dim::symbol(TRIAL);
        let same = symbol(dim);
        for (input, declared) in declared.iter_mut().enumerate() {
            for (axis, dim) in declared.dims_mut().into_iter().flatten().enumerate() {
                if (Place { input, axis }) == place || same.is_some() && symbol(dim) == same {
                    *dim = trial.clone();
                }
            }
        }
        self.overruled = true;
    }
}

/// Values of a type as they are typed; `Err` is the word that is none.
fn parse(words: &[String], dtype: DType) -> Result<Elements, &str> {
    let each = |read: &dyn Fn(&str) -> Option<Dim>| -> Result<Elements, &str> {
        words.iter().map(|w| read(w).ok_or(w.as_str())).collect::<Result<_, _>>().map(Elements::Ints)
    };
    match dtype {
        DType::Bool => each(&|w| match w.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(Dim::Known(1)),
            "false" | "0" => Some(Dim::Known(0)),
            _ => None,
        }),
        _ if dtype.is_integer() => each(&|w| w.parse().ok().map(Dim::Known)),
        _ if dtype.is_float() => {
            words.iter().map(|w| w.parse().map_err(|_| w.as_str())).collect::<Result<_, _>>().map(Elements::Floats)
        }
        _ => Err(words.first().map_or("", String::as_str)),
    }
}

/// The first few of a list of names.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.take(9).map(|n| format!("`{}`", shown(n))).collect();
    if names.len() == 9 {
        names[8] = "…".into();
    }
    names.join(", ")
}
