//! Places in a configuration's text. The YAML library tells a place only with an error, so a value is found by failing at
//! it on purpose.

use super::at;
use super::yaml::OWN;
use cnnsize::base::diagnostic::{Diagnostic, Origin};
use cnnsize::base::source::{SourceId, Sources};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A step from a value to one inside it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// The value of a key.
    Key(&'a str),
    /// An element of a list.
    Index(usize),
}

/// What the library says, in this program's words and at its place.
pub(super) fn error(error: &serde_yaml::Error, id: SourceId, text: &str) -> Diagnostic {
    let place = error.location().map_or(Origin::File, |place| word_at(id, text, place.index()));
    let said = error.to_string();
    let said = said.rsplit_once(" at line ").map_or(&*said, |(said, _)| said);
    if let Some((_, own)) = said.split_once(OWN) {
        let (message, help) = own.split_once('\n').unwrap_or((own, ""));
        let error = Diagnostic::error("bad-configuration", place, message);
        return if help.is_empty() { error } else { error.help(help) };
    }
    let said = ["invalid type", "invalid value"]
        .iter()
        .find_map(|known| said.find(known).and_then(|start| said.get(start..)))
        .unwrap_or(said);
    let help = if text.lines().any(|line| line.trim_start_matches(' ').starts_with('\t')) {
        "YAML is indented by spaces, never by tabs"
    } else {
        "`cnnsize schema config` describes the file"
    };
    Diagnostic::error("bad-configuration", place, said).help(help)
}

/// Where the value is that these steps lead to.
pub(super) fn of(id: SourceId, sources: &Sources, steps: &[Step]) -> Origin {
    let text = &sources.get(id).text;
    let found = Probe(steps).deserialize(serde_yaml::Deserializer::from_str(text)).err();
    found.and_then(|error| error.location()).map_or(Origin::File, |place| word_at(id, text, place.index()))
}

/// The rest of the line from a place on, without a comment, as what is marked.
fn word_at(id: SourceId, text: &str, start: usize) -> Origin {
    let Origin::Text(mut span) = at(id, start.min(text.len())) else { return Origin::File };
    let rest = text.get(start..).unwrap_or("");
    let end = rest.find(['\n', '\r', ',', '}', ']']).unwrap_or(rest.len());
    let word = rest.get(..end).unwrap_or("");
    let word = word.split_once(" #").map_or(word, |(word, _)| word);
    let word = word.split_once(": ").map_or(word, |(key, _)| key).trim_end().trim_end_matches(':');
    span.end = span.start.saturating_add(u32::try_from(word.len()).unwrap_or(0));
    Origin::Text(span)
}

/// Fails at the value that the steps lead to.
struct Probe<'a>(&'a [Step<'a>]);

impl<'de> DeserializeSeed<'de> for Probe<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        if self.0.is_empty() { from.deserialize_str(self) } else { from.deserialize_any(self) }
    }
}

impl<'de> Visitor<'de> for Probe<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("something else")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Err(E::custom("here"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match self.0 {
                [Step::Key(wanted), rest @ ..] if *wanted == key => map.next_value_seed(Probe(rest))?,
                _ => map.next_value::<IgnoredAny>().map(|_| ())?,
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((Step::Index(wanted), rest)) = self.0.split_first() else { return Err(A::Error::custom("here")) };
        for _ in 0..*wanted {
            list.next_element::<IgnoredAny>()?;
        }
        list.next_element_seed(Probe(rest))?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
