//! The configuration's text, as the YAML library reads it. With `place.rs` the only file that names the library.

use super::amount::{self, Growth, Limit};
use super::place;
use crate::cli::settings::Sizing;
use crate::cli::values::{self, Precision};
use cnnsize::analyze::convention::Convention;
use cnnsize::base::diagnostic::{Diagnostic, Severity};
use cnnsize::base::source::{SourceId, Sources};
use cnnsize::base::suggest;
use cnnsize::front::arch::ast::{Rational, Size};
use cnnsize::lint;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use std::fmt;

/// The file as a whole.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct File {
    #[serde(deserialize_with = "version")]
    pub required_version: (),
    pub defaults: Defaults,
    pub models: Vec<Model>,
    pub exclude: Vec<String>,
    pub lints: Lints,
}

/// An entry of `models`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Model {
    pub path: String,
    #[serde(default)]
    pub budget: Budget,
    #[serde(default, deserialize_with = "batch")]
    batch: Option<u64>,
    #[serde(default, deserialize_with = "precision")]
    precision: Option<Precision>,
    #[serde(default)]
    input: Many<(Option<String>, Size)>,
    #[serde(default)]
    dim: Many<(String, u64)>,
    #[serde(default)]
    value: Many<(String, Vec<String>)>,
    #[serde(default)]
    r#let: Many<(String, Rational)>,
    model: Option<String>,
    #[serde(default, deserialize_with = "convention")]
    convention: Option<&'static Convention>,
    #[serde(default)]
    strict: bool,
}

impl Model {
    pub(super) fn sizing(&self) -> Sizing {
        Sizing {
            batch: self.batch,
            precision: self.precision,
            input: self.input.0.clone(),
            dim: self.dim.0.clone(),
            value: self.value.0.clone(),
            lets: self.r#let.0.clone(),
            model: self.model.clone(),
            convention: self.convention,
            strict: self.strict,
            stdin_filename: None,
        }
    }
}

/// `defaults`: what a file does not say of itself.
#[derive(Debug, Default)]
pub(super) struct Defaults(pub Sizing);

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Given {
    #[serde(deserialize_with = "batch")]
    batch: Option<u64>,
    #[serde(deserialize_with = "precision")]
    precision: Option<Precision>,
    dim: Many<(String, u64)>,
    #[serde(deserialize_with = "convention")]
    convention: Option<&'static Convention>,
    strict: bool,
}

impl<'de> Deserialize<'de> for Defaults {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Defaults, D::Error> {
        let Given { batch, precision, dim, convention, strict } = Given::deserialize(from)?;
        Ok(Defaults(Sizing { batch, precision, dim: dim.0, convention, strict, ..Sizing::default() }))
    }
}

/// Reads a text that the guard has let through.
pub(super) fn read(id: SourceId, sources: &Sources) -> Result<File, Diagnostic> {
    let text = &sources.get(id).text;
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(File::default());
    }
    serde_yaml::from_str(text).map_err(|error| place::error(&error, id, text))
}

/// Begins a message of this program within one of the library, which puts the key's path before it.
pub(super) const OWN: char = '\u{1}';

fn own<E: Error>(message: impl fmt::Display) -> E {
    E::custom(format_args!("{OWN}{message}"))
}

/// A scalar of any kind, read as the command line would.
struct Word<T>(fn(&str) -> Result<T, String>);

impl<T> Visitor<'_> for Word<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a number or a word")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(|why| if why.contains('\n') { own(why) } else { own(format_args!("`{text}`: {why}")) })
    }
}

impl<'de, T> DeserializeSeed<'de> for Word<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        from.deserialize_str(self)
    }
}

fn batch<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    from.deserialize_str(Word(values::count)).map(Some)
}

fn precision<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Precision>, D::Error> {
    from.deserialize_str(Word(values::precision)).map(Some)
}

fn convention<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'static Convention>, D::Error> {
    from.deserialize_str(Word(values::convention)).map(Some)
}

/// `">=0.1"`: refuses a program that is older.
fn version<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    from.deserialize_str(Word(|text| {
        let numbers = |text: &str| text.trim().split('.').map(str::parse).collect::<Result<Vec<u64>, _>>();
        let wanted = text.trim().strip_prefix(">=").and_then(|least| numbers(least).ok());
        let (Some(wanted), Ok(own)) = (wanted, numbers(env!("CARGO_PKG_VERSION"))) else {
            return Err(format!("`{text}` is no requirement\nwrite it as `\">=0.1\"`"));
        };
        if own >= wanted {
            return Ok(());
        }
        Err(format!(
            "this is cnnsize {}, wanted is {text}\ninstall a newer one: `cargo install cnnsize`",
            env!("CARGO_PKG_VERSION")
        ))
    }))
}

/// Some values, as the command line takes them one by one: a single one, or a list.
#[derive(Debug)]
struct Many<T>(Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Many(Vec::new())
    }
}

/// A value that the command line takes.
trait Argument: Sized {
    fn read(text: &str) -> Result<Self, String>;
}

impl Argument for (Option<String>, Size) {
    fn read(text: &str) -> Result<Self, String> {
        values::input(text)
    }
}
impl Argument for (String, u64) {
    fn read(text: &str) -> Result<Self, String> {
        values::dimension(text)
    }
}
impl Argument for (String, Vec<String>) {
    fn read(text: &str) -> Result<Self, String> {
        values::contents(text)
    }
}
impl Argument for (String, Rational) {
    fn read(text: &str) -> Result<Self, String> {
        values::let_value(text)
    }
}

impl<'de, T: Argument> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Many<T>, D::Error> {
        struct OneOrMore<T>(std::marker::PhantomData<T>);
        impl<'de, T: Argument> Visitor<'de> for OneOrMore<T> {
            type Value = Many<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a value, or a list of them")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Many<T>, E> {
                Word(T::read).visit_str(text).map(|one| Many(vec![one]))
            }
            fn visit_u64<E: Error>(self, n: u64) -> Result<Many<T>, E> {
                self.visit_str(&n.to_string())
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Many<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element_seed(Word(T::read))? {
                    all.push(one);
                }
                Ok(Many(all))
            }
        }
        from.deserialize_any(OneOrMore(std::marker::PhantomData))
    }
}

/// `budget`.
#[derive(Debug, Default)]
pub(super) struct Budget {
    pub limits: Vec<Limit>,
    pub growth: Vec<Growth>,
}

/// What `max-growth` is about when it names no quantity: the four that a summary shows.
const GROWING: &[&str] = &["params", "macs", "infer.memory", "train.memory"];

impl<'de> Deserialize<'de> for Budget {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Budget, D::Error> {
        struct Limits;
        impl<'de> Visitor<'de> for Limits {
            type Value = Budget;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("quantities with their limits, such as `params: 1M`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Budget, A::Error> {
                let mut budget = Budget::default();
                let key = || {
                    Word(|name| match name {
                        "max-growth" => Ok((name.to_owned(), None)),
                        _ => Ok((name.to_owned(), Some(amount::quantity(name)?))),
                    })
                };
                while let Some((name, quantity)) = map.next_key_seed(key())? {
                    let twice = budget.limits.iter().any(|limit| limit.quantity == name);
                    if twice || (quantity.is_none() && !budget.growth.is_empty()) {
                        return Err(own(format_args!("`{name}` is given twice\nkeep one of them")));
                    }
                    match quantity {
                        Some(quantity) => {
                            let (most, written) = map.next_value_seed(Amount(quantity))?;
                            budget.limits.push(Limit { quantity: name, most, written });
                        }
                        None => {
                            let (millionths, written) = map.next_value_seed(Word(|text| {
                                Ok((amount::growth(text.trim())?, text.trim().to_owned()))
                            }))?;
                            budget.growth = GROWING
                                .iter()
                                .map(|name| Growth { quantity: (*name).into(), millionths, written: written.clone() })
                                .collect();
                        }
                    }
                }
                Ok(budget)
            }
        }
        from.deserialize_map(Limits)
    }
}

/// A limit of a quantity.
struct Amount(&'static cnnsize::analyze::quantity::Quantity);

impl<'de> DeserializeSeed<'de> for Amount {
    type Value = (u64, String);

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(u64, String), D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Amount {
    type Value = (u64, String);

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a number with its unit, such as `64 MiB` or `1M`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(u64, String), E> {
        let text = text.trim();
        amount::amount(text, self.0).map(|most| (most, text.to_owned())).map_err(own)
    }
}

/// `lints`: a level for each; `None` is off.
#[derive(Debug, Default)]
pub(super) struct Lints(pub Vec<(String, Option<Severity>)>);

impl<'de> Deserialize<'de> for Lints {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Lints, D::Error> {
        struct Levels;
        impl<'de> Visitor<'de> for Levels {
            type Value = Lints;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("lints with their levels, such as `even-same: off`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lints, A::Error> {
                let mut lints = Vec::new();
                while let Some(name) = map.next_key_seed(Word(lint_name))? {
                    if lints.iter().any(|(known, _)| *known == name) {
                        return Err(own(format_args!("`{name}` is given twice\nkeep one of them")));
                    }
                    lints.push((name, map.next_value_seed(Word(level))?));
                }
                Ok(Lints(lints))
            }
        }
        from.deserialize_map(Levels)
    }
}

fn lint_name(name: &str) -> Result<String, String> {
    let names = lint::LINTS.iter().map(|lint| lint.name);
    match (lint::find(name), suggest::nearest(name, names.clone())) {
        (Some(lint), _) => Ok(lint.name.into()),
        (None, Some(near)) => Err(format!("`{name}` is no lint\ndid you mean `{near}`?")),
        (None, None) => Err(format!("`{name}` is no lint\nlints are {}", names.collect::<Vec<_>>().join(", "))),
    }
}

fn level(word: &str) -> Result<Option<Severity>, String> {
    match word {
        "off" => Ok(None),
        "hint" => Ok(Some(Severity::Hint)),
        "warning" => Ok(Some(Severity::Warning)),
        "error" => Ok(Some(Severity::Error)),
        _ => Err(format!("`{word}` is no level\nlevels are off, hint, warning, error")),
    }
}
