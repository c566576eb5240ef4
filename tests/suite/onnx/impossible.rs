//! What does not come out, and why: `tests/oracle/impossible.tsv`.

use super::{graphs, models};
use crate::files::read;

/// A row of the list.
pub(super) struct Row {
    pub(super) case: String,
    pub(super) what: String,
    pub(super) figure: String,
    proof: String,
}

impl Row {
    /// Values that it is about.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.what.split(' ')
    }
}

/// The rows of a kind.
pub(super) fn rows(kind: &str) -> Vec<Row> {
    let table = read("tests/oracle/impossible.tsv");
    let row = |line: &str| {
        let [of, case, what, figure, proof] =
            line.split('\t').map(str::to_owned).collect::<Vec<_>>().try_into().ok()?;
        (of == kind).then_some(Row { case, what, figure, proof })
    };
    table.lines().filter_map(row).collect()
}

#[test]
fn shapes_that_contents_decide_are_unknown_without_them_and_follow_from_them() {
    let cases = graphs::cases();
    let rows = rows("graph");
    assert!(!rows.is_empty());
    for row in rows {
        let case = cases.iter().find(|c| c.name() == row.case).expect("a case of that name");
        let shape = |values| {
            let ty = graphs::output(&case.model(values), &row.what);
            ty.split_once('[').unwrap().1.trim_end_matches(']').replace(',', "x")
        };
        let without = shape(case.values());
        assert!(without != row.figure && without.contains('?'), "{}: {without} comes out", row.case);
        let proofs: Vec<_> = row.proof.split("; ").map(|p| p.split_once(" -> ").unwrap()).collect();
        let input = proofs[0].0.split_once('=').unwrap().0;
        let said = case.read(case.values()).diagnostics;
        let asked = said.iter().filter(|d| d.code == "contents-unknown").map(|d| d.message.as_str());
        assert_eq!(asked.collect::<Vec<_>>(), [format!("`{input}` decides sizes, and what it holds is not known")]);
        assert_eq!(proofs[0].1, row.figure, "{}", row.case);
        assert_ne!(proofs[0].1, proofs[1].1, "{}", row.case);
        for (contents, wanted) in proofs {
            let (name, words) = contents.split_once('=').unwrap();
            let mut values = case.values();
            values.push((name.into(), words.split(',').map(str::to_owned).collect()));
            assert_eq!(shape(values), wanted, "{} with {contents}", row.case);
        }
    }
}

#[test]
fn figures_that_are_not_followed_do_not_come_out() {
    for row in rows("sizes") {
        let wrong = models::Facts::read(&row.case).wrong();
        for name in row.names() {
            let (.., found, wanted) =
                wrong.iter().find(|w| w.1 == name).unwrap_or_else(|| panic!("{name} comes out now"));
            assert!(found.as_ref().is_some_and(|f| f.1.contains('?')), "{name} is {found:?}, not {wanted:?}");
        }
    }
    for row in rows("peak") {
        let peak = models::Facts::read(&row.case).report(&row.what).inference.activation_peak;
        assert!(!peak.incomplete && peak.least.to_string() != row.figure, "{} comes out now", row.case);
    }
    for row in rows("macs") {
        let macs = models::Facts::read(&row.case).report(&row.what).totals.macs;
        assert!(!macs.incomplete && macs.least.to_string() != row.figure, "{} comes out now", row.case);
        assert!(row.proof.contains(&macs.least.to_string()), "{}: {macs:?}", row.case);
    }
}
