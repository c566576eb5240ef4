//! The configuration's text, as the YAML library reads it. With `place.rs` the only file that names the library.

use super::amount::{self, Growth, Limit};
use super::place;
use super::setting::{self, Given, Setting};
use cnnsize::base::diagnostic::{Diagnostic, Severity};
use cnnsize::base::source::{SourceId, Sources};
use cnnsize::base::suggest;
use cnnsize::lint;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use std::cell::RefCell;
use std::fmt;

/// The file as a whole.
#[derive(Debug, Default)]
pub(super) struct File {
    pub defaults: Defaults,
    pub models: Vec<Model>,
    pub exclude: Vec<String>,
    pub lints: Lints,
}

/// Keys of the file.
const KEYS: &[&str] = &["required-version", "defaults", "models", "exclude", "lints"];

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<File, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = File;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("keys such as `models:`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<File, A::Error> {
                let mut file = File::default();
                let seen = Seen::default();
                let key = |name: &str| {
                    let known = KEYS.iter().copied().find(|key| *key == name).ok_or_else(|| no_key(name, KEYS));
                    seen.first_time(name).and(known)
                };
                while let Some(key) = map.next_key_seed(Word(key))? {
                    match key {
                        "required-version" => map.next_value_seed(Word(version))?,
                        "defaults" => file.defaults = or_nothing(&mut map)?,
                        "models" => file.models = or_nothing(&mut map)?,
                        "exclude" => file.exclude = or_nothing(&mut map)?,
                        _ => file.lints = or_nothing(&mut map)?,
                    }
                }
                Ok(file)
            }
        }
        from.deserialize_map(Keys)
    }
}

/// The value of a key; of one whose values are all commented out, the default.
fn or_nothing<'de, T: Deserialize<'de> + Default, A: MapAccess<'de>>(map: &mut A) -> Result<T, A::Error> {
    map.next_value::<Option<T>>().map(Option::unwrap_or_default)
}

/// What to say of a key that there is not.
pub(super) fn no_key(key: &str, known: &[&str]) -> String {
    match suggest::nearest(key, known.iter().copied()) {
        Some(near) => format!("`{key}` is no key here\ndid you mean `{near}`?"),
        None => format!("`{key}` is no key here\nknown here are {}", known.join(", ")),
    }
}

/// An entry of `models`.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub path: String,
    pub budget: Budget,
    pub given: Given,
}

/// A key of an entry.
enum Key {
    Path,
    Budget,
    Setting(&'static Setting),
}

impl<'de> Deserialize<'de> for Model {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Model, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Model;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a model, such as `path: models/*.arch`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Model, A::Error> {
                let mut model = Model::default();
                let seen = Seen::default();
                let key = |name: &str| {
                    seen.first_time(name)?;
                    match name {
                        "path" => Ok(Key::Path),
                        "budget" => Ok(Key::Budget),
                        _ => setting::of_model(name, &["path", "budget"]).map(Key::Setting),
                    }
                };
                while let Some(key) = map.next_key_seed(Word(key))? {
                    match key {
                        Key::Path => model.path = map.next_value()?,
                        Key::Budget => model.budget = or_nothing(&mut map)?,
                        Key::Setting(setting) => map.next_value_seed(setting.of(&mut model.given))?,
                    }
                }
                if model.path.is_empty() {
                    return Err(own("a model has no `path`\nname a file or a pattern: `path: models/*.arch`"));
                }
                Ok(model)
            }
        }
        from.deserialize_map(Keys)
    }
}

/// `defaults`: what a file does not say of itself.
#[derive(Debug, Default)]
pub(super) struct Defaults(pub Given);

impl<'de> Deserialize<'de> for Defaults {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Defaults, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Defaults;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("settings, such as `batch: 32`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Defaults, A::Error> {
                let mut defaults = Defaults::default();
                let seen = Seen::default();
                while let Some(setting) = map.next_key_seed(Word(|name: &str| {
                    seen.first_time(name)?;
                    setting::of_all(name)
                }))? {
                    map.next_value_seed(setting.of(&mut defaults.0))?;
                }
                Ok(defaults)
            }
        }
        from.deserialize_map(Keys)
    }
}

/// Keys of a mapping that have been read.
#[derive(Debug, Default)]
struct Seen(RefCell<Vec<String>>);

impl Seen {
    fn first_time(&self, key: &str) -> Result<(), String> {
        let mut seen = self.0.borrow_mut();
        if seen.iter().any(|known| known == key) {
            return Err(format!("`{key}` is given twice\nkeep one of them"));
        }
        seen.push(key.to_owned());
        Ok(())
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

/// What is wrong with a word: a message of its own, when it has a line for the help, or else a few words about it.
pub(super) fn wrong<E: Error>(word: &str, why: &str) -> E {
    if why.contains('\n') { own(why) } else { own(format_args!("`{word}`: {why}")) }
}

/// A scalar of any kind, read as the command line would.
pub(super) struct Word<F>(pub F);

impl<T, F: Fn(&str) -> Result<T, String>> Visitor<'_> for Word<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a number or a word")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(|why| wrong(text, &why))
    }
}

impl<'de, T, F: Fn(&str) -> Result<T, String>> DeserializeSeed<'de> for Word<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        from.deserialize_str(self)
    }
}

/// `">=0.1"`: refuses a program that is older.
fn version(text: &str) -> Result<(), String> {
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
}

/// `budget`.
#[derive(Debug, Default)]
pub(super) struct Budget {
    pub limits: Vec<Limit>,
    pub growth: Vec<Growth>,
}

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
                let seen = Seen::default();
                let key = |name: &str| {
                    seen.first_time(name)?;
                    let quantity = (name != "max-growth").then(|| amount::quantity(name, &["max-growth"]));
                    Ok((name.to_owned(), quantity.transpose()?))
                };
                while let Some((name, quantity)) = map.next_key_seed(Word(key))? {
                    match quantity {
                        Some(quantity) => {
                            let (most, written) = map.next_value_seed(Amount(quantity))?;
                            budget.limits.push(Limit { quantity: name, most, written });
                        }
                        None => budget.growth = map.next_value_seed(Growths)?,
                    }
                }
                Ok(budget)
            }
        }
        from.deserialize_map(Limits)
    }
}

/// `max-growth`: a share for the quantities that a summary shows, or one for each quantity that is named.
struct Growths;

/// What `max-growth` is about when it names no quantity.
const GROWING: &[&str] = &["params", "macs", "infer.memory", "train.memory"];

impl<'de> DeserializeSeed<'de> for Growths {
    type Value = Vec<Growth>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Vec<Growth>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Growths {
    type Value = Vec<Growth>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a share such as `5 %`, or quantities with theirs")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<Growth>, E> {
        let (millionths, written) = Word(share).visit_str(text)?;
        let one = |name: &&str| Growth { quantity: (*name).into(), millionths, written: written.clone() };
        Ok(GROWING.iter().map(one).collect())
    }

    /// A bare number, which is no share.
    fn visit_u64<E: Error>(self, n: u64) -> Result<Vec<Growth>, E> {
        self.visit_str(&n.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Growth>, A::Error> {
        let mut all = Vec::new();
        let seen = Seen::default();
        let key = |name: &str| {
            seen.first_time(name)?;
            amount::quantity(name, &[]).map(|_| name.to_owned())
        };
        while let Some(quantity) = map.next_key_seed(Word(key))? {
            let (millionths, written) = map.next_value_seed(Word(share))?;
            all.push(Growth { quantity, millionths, written });
        }
        Ok(all)
    }
}

/// `5 %`: in millionths, and as it is written.
fn share(text: &str) -> Result<(u64, String), String> {
    Ok((amount::growth(text.trim())?, text.trim().to_owned()))
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
                let seen = Seen::default();
                let key = |name: &str| seen.first_time(name).and_then(|()| lint_name(name));
                while let Some(name) = map.next_key_seed(Word(key))? {
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
