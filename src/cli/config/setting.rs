//! Settings that a configuration may hold: options of the command line, under the same names and in the same words.

use super::yaml::{no_key, wrong};
use crate::cli::settings::Sizing;
use crate::cli::values;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use std::fmt;

/// A setting.
pub(in crate::cli) struct Setting {
    /// Its key, and the option's name.
    pub name: &'static str,
    /// Whether it may be a list.
    many: bool,
    /// Whether it makes sense for all models of a project; a network's own sizes do not.
    is_default: bool,
    /// Reads one value as the command line does.
    read: fn(&mut Sizing, &str) -> Result<(), String>,
    /// Whether these settings say already what a value would.
    pub says: fn(&Sizing, &str) -> bool,
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Every setting, in the order in which they are listed.
pub(super) static SETTINGS: &[Setting] = &[
    Setting {
        name: "batch",
        many: false,
        is_default: true,
        read: |s, word| values::count(word).map(|n| s.batch = Some(n)),
        says: |s, _| s.batch.is_some(),
    },
    Setting {
        name: "precision",
        many: false,
        is_default: true,
        read: |s, word| values::precision(word).map(|p| s.precision = Some(p)),
        says: |s, _| s.precision.is_some(),
    },
    Setting {
        name: "convention",
        many: false,
        is_default: true,
        read: |s, word| values::convention(word).map(|c| s.convention = Some(c)),
        says: |s, _| s.convention.is_some(),
    },
    Setting {
        name: "dim",
        many: true,
        is_default: true,
        read: |s, word| values::dimension(word).map(|dim| s.dim.push(dim)),
        says: |s, word| names(&s.dim, word),
    },
    Setting {
        name: "value",
        many: true,
        is_default: true,
        read: |s, word| values::contents(word).map(|value| s.value.push(value)),
        says: |s, word| names(&s.value, word),
    },
    Setting {
        name: "strict",
        many: false,
        is_default: true,
        read: |s, word| yes_or_no(word).map(|strict| s.strict = strict),
        says: |s, _| s.strict,
    },
    Setting {
        name: "input",
        many: true,
        is_default: false,
        read: |s, word| values::input(word).map(|size| s.input.push(size)),
        says: |s, _| !s.input.is_empty(),
    },
    Setting {
        name: "let",
        many: true,
        is_default: false,
        read: |s, word| values::let_value(word).map(|value| s.lets.push(value)),
        says: |s, word| names(&s.lets, word),
    },
    Setting {
        name: "model",
        many: false,
        is_default: false,
        read: |s, word| {
            s.model = Some(word.to_owned());
            Ok(())
        },
        says: |s, _| s.model.is_some(),
    },
];

/// Whether the name of `N=8` is on a list.
fn names<T>(list: &[(String, T)], word: &str) -> bool {
    word.rsplit_once('=').is_some_and(|(name, _)| list.iter().any(|(known, _)| known == name))
}

fn yes_or_no(word: &str) -> Result<bool, String> {
    word.parse().map_err(|_| "`true` or `false` is wanted".into())
}

/// Settings that are given, with their words.
#[derive(Debug, Default)]
pub(in crate::cli) struct Given {
    /// As they hold.
    pub sizing: Sizing,
    /// As they are written.
    pub words: Vec<(&'static Setting, String)>,
}

/// The setting of a key in a model's entry, `others` being its keys that are none.
pub(super) fn of_model(key: &str, others: &[&'static str]) -> Result<&'static Setting, String> {
    find(key, &SETTINGS.iter().collect::<Vec<_>>(), others)
}

/// The setting of a key of `defaults`.
pub(super) fn of_all(key: &str) -> Result<&'static Setting, String> {
    if SETTINGS.iter().any(|setting| setting.name == key && !setting.is_default) {
        return Err(format!("`{key}` is about one network\nput it into the network's entry of `models`"));
    }
    find(key, &SETTINGS.iter().filter(|setting| setting.is_default).collect::<Vec<_>>(), &[])
}

fn find(key: &str, settings: &[&'static Setting], others: &[&'static str]) -> Result<&'static Setting, String> {
    let names = || others.iter().copied().chain(settings.iter().map(|setting| setting.name)).collect::<Vec<_>>();
    settings.iter().copied().find(|setting| setting.name == key).ok_or_else(|| no_key(key, &names()))
}

impl Setting {
    /// Reads the setting's value: a scalar, or a list of them where there may be several.
    pub(super) fn of<'a>(&'static self, given: &'a mut Given) -> Value<'a> {
        Value { setting: self, given, may_be_list: self.many }
    }
}

/// A value of a setting that is to be read.
pub(super) struct Value<'a> {
    setting: &'static Setting,
    given: &'a mut Given,
    may_be_list: bool,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        if self.may_be_list { from.deserialize_any(self) } else { from.deserialize_str(self) }
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if self.may_be_list { "a value, or a list of them" } else { "a number or a word" })
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<(), E> {
        (self.setting.read)(&mut self.given.sizing, word).map_err(|why| wrong(word, &why))?;
        self.given.words.push((self.setting, word.to_owned()));
        Ok(())
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<(), E> {
        self.visit_str(&n.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Value { setting, given, .. } = self;
        while let Some(()) = list.next_element_seed(Value { setting, given: &mut *given, may_be_list: false })? {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value as Json;
    use std::collections::BTreeSet;

    #[test]
    fn the_schema_has_every_setting_and_no_other() {
        let schema: Json = serde_json::from_str(super::super::SCHEMA).unwrap();
        let keys = |of: &Json| of["properties"].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        let names = |only_defaults: bool| {
            let settings = SETTINGS.iter().filter(move |setting| setting.is_default || !only_defaults);
            settings.map(|setting| setting.name.to_owned())
        };
        assert_eq!(keys(&schema["properties"]["defaults"]), names(true).collect());
        let others = ["path".to_owned(), "budget".to_owned()];
        assert_eq!(keys(&schema["$defs"]["model"]), names(false).chain(others).collect());
    }
}
