//! Sizes that a line gives for each axis: there must be as many as the maps have axes.

use super::Lowering;
use super::bind::Sizes;
use super::eval::Fault;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::source::Span;
use crate::graph::ValueId;
use crate::ops::layer::Arg;

impl Lowering<'_> {
    /// One size for each of `rank` axes.
    pub(super) fn axes(
        &self,
        sizes: Option<&(Sizes, Span)>,
        rank: usize,
        input: Option<ValueId>,
    ) -> Result<Option<Vec<u64>>, Fault> {
        match sizes {
            None => Ok(None),
            Some((Sizes::Every(n), _)) => Ok(Some(vec![*n; rank])),
            Some((Sizes::Each(sizes), _)) if sizes.len() == rank => Ok(Some(sizes.clone())),
            Some((Sizes::Each(sizes), span)) => Err(self.wrong_rank(sizes.len(), Some(sizes), rank, input, *span)),
        }
    }

    /// The same for an option; a single pair of pads holds for every axis.
    pub(super) fn check_option_rank(
        &self,
        arg: &Arg,
        rank: usize,
        input: Option<ValueId>,
        span: Span,
    ) -> Result<(), Fault> {
        let given = match arg {
            Arg::Whole(_) | Arg::Number(_) => return Ok(()),
            Arg::Sizes(sizes) => sizes.len(),
            Arg::Pads(pads) if pads.len() == 1 => return Ok(()),
            Arg::Pads(pads) => pads.len(),
        };
        if given == rank { Ok(()) } else { Err(self.wrong_rank(given, None, rank, input, span)) }
    }

    fn wrong_rank(
        &self,
        given: usize,
        kernel: Option<&Vec<u64>>,
        rank: usize,
        input: Option<ValueId>,
        span: Span,
    ) -> Fault {
        let written = self.doc.sources.text(span);
        let shape = input.map_or_else(String::new, |id| format!(" ({})", self.notation(id)));
        let dimensions = if given == 1 { "1 dimension".into() } else { format!("{given} dimensions") };
        let message = format!("`{written}` has {dimensions}, the maps here have {rank}{shape}");
        let error = Diagnostic::error("kernel-rank", Origin::Text(span), message);
        let Some(sizes) = kernel else {
            return error.help("give one size for each of them, or a single number").into();
        };
        let (Some(first), true) = (sizes.first(), sizes.iter().all(|n| sizes.first() == Some(n))) else {
            return error.help("give one size for each of them").into();
        };
        let slash = if written.starts_with('/') { "/" } else { "" };
        let fitting = match (slash, rank) {
            ("/", _) => format!("/{first}"),
            (_, 1) => format!("k={first}"),
            _ => vec![first.to_string(); rank].join("x"),
        };
        let repeated = match sizes.as_slice() {
            [a, b, n] if rank == 2 && slash.is_empty() => format!("; or did you mean `{a}x{b} x{n}`, {n} layers?"),
            _ => String::new(),
        };
        error.help(format!("write `{fitting}`{repeated}")).into()
    }
}
