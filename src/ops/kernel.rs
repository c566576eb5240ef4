//! What the kernels of ONNX Runtime's CPU provider do with memory. The rows in the rooms were measured on version 1.32
//! with an allocator that counts every request of a session; where an amount has a formula, two graphs of different
//! sizes confirm it.

use super::rules::{At, OpKind, Spec};

/// How a kernel gets the memory that it writes to.
#[derive(Clone, Copy, Debug)]
pub enum Kernel {
    /// Not known: nobody has measured it, or the provider has no kernel for the operator.
    Unmeasured,
    /// The node does not run: loading the file turns what it holds into a stored value.
    Loaded,
    /// Its first output is its first input under another shape or name.
    Alias,
    /// The provider has no kernel: the runtime runs the operator's definition as x · f(x), or as x · f(αx) with α cast to
    /// the input's type. f is a value of its own.
    SelfGated {
        /// Whether there is an α.
        scaled: bool,
    },
    /// Its output has memory of its own, and the runtime gives every reader a node of its own that makes it.
    Repeated,
    /// Its outputs have memory of their own.
    Fresh(Scratch),
    /// Its first output takes the memory of the first of these inputs that has its sizes and is read for the last time,
    /// if there is one.
    InPlace(&'static [usize], Scratch),
}

impl Kernel {
    /// Memory of its own for each output, and nothing else.
    pub const FRESH: Kernel = Kernel::Fresh(nothing);
    /// Over its first input, and nothing else.
    pub const IN_PLACE: Kernel = Kernel::InPlace(&[0], nothing);

    /// Bytes of the session's memory that it holds beside inputs and outputs while it runs; `None` if that is not known.
    pub fn scratch(self, spec: &Spec, at: &At, threads: u64) -> Option<u64> {
        match self {
            Kernel::Unmeasured => None,
            Kernel::Loaded | Kernel::Alias | Kernel::SelfGated { .. } | Kernel::Repeated => Some(0),
            Kernel::Fresh(scratch) | Kernel::InPlace(_, scratch) => scratch(spec, at, threads),
        }
    }
}

impl OpKind {
    /// The row of an operator of which a measurement says what its kernel does.
    pub(super) const fn measured(self, kernel: Kernel) -> OpKind {
        OpKind { kernel, ..self }
    }
}

/// Bytes that a kernel holds while it runs, with so many threads; `None` if that is not known.
pub type Scratch = fn(&Spec, &At, u64) -> Option<u64>;

fn nothing(_: &Spec, _: &At, _: u64) -> Option<u64> {
    Some(0)
}
