//! Faults that the language reports, for `cnnsize explain`: what each means, the smallest text that has it, what to do.

/// A page about a finding.
#[derive(Debug)]
pub(super) struct Fault {
    /// The slug in the finding's brackets.
    pub slug: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// A text that has it.
    pub example: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Every fault that has a page, by its slug.
pub(super) static FAULTS: &[Fault] = &[
    Fault {
        slug: "add-mismatch",
        what: "tensors of different shapes are added",
        example: "input 64@56x56\nadd {\n  | conv 256 1x1\n  | identity\n}",
        remedy: "Bring one side to the other's shape, with `conv 256 1x1` for instance, or use `shortcut 256`.",
    },
    Fault {
        slug: "ambiguous-layout",
        what: "a size of three numbers may have its channels first or last",
        example: "input 3x224x224\nconv 64 3x3",
        remedy: "Write channels, `@`, then sizes: `input 3@224x224`.",
    },
    Fault {
        slug: "block-arity",
        what: "a block is called with too few or too many values",
        example: "block f(a, b) { conv a b }\ninput 3@28x28\nf 64",
        remedy: "Give one value for each parameter of the block, in its order.",
    },
    Fault {
        slug: "concat-mismatch",
        what: "maps of different sizes are joined along their channels",
        example: "input 64@57x57\nconcat {\n  | maxpool 2x2\n  | conv 64 3x3 /2 same\n}",
        remedy: "Make the sizes agree: `ceil` or `same` where a branch rounds, or `concat ... crop`.",
    },
    Fault {
        slug: "crop-grows",
        what: "a crop would make maps larger",
        example: "input 1@8x8\na: conv 4 3x3\nupsample 2\nconcat a crop",
        remedy: "Crop the larger one.",
    },
    Fault {
        slug: "dense-needs-vector",
        what: "a dense layer is given maps",
        example: "input 1@28x28\nconv 32 3x3\ndense 10",
        remedy: "Put `flatten`, or `avgpool global` and `flatten`, before it.",
    },
    Fault {
        slug: "dropout-rate",
        what: "a dropout rate is not between 0 and 1",
        example: "input 10\ndropout 50",
        remedy: "Write a share: `dropout 0.5` or `dropout 50%`.",
    },
    Fault {
        slug: "duplicate-name",
        what: "two lines have the same label",
        example: "input 3@28x28\na: conv 8 3x3\na: conv 8 3x3",
        remedy: "Rename one of them.",
    },
    Fault {
        slug: "empty-branch",
        what: "a branch holds nothing",
        example: "input 3@28x28\nadd {\n  | conv 3 1x1\n  |\n}",
        remedy: "Write `identity` to pass the input through.",
    },
    Fault {
        slug: "expect-failed",
        what: "a claim does not hold",
        example: "input 200x300 rgb\nconv 100 3x3 /2 same\nexpect params 2_700",
        remedy: "Correct the number, or the network. The note says by which convention or slip the number comes about, if there is one.",
    },
    Fault {
        slug: "fractional",
        what: "a size is not a whole number",
        example: "let a = 0.75\ninput 3@28x28\nconv 50*a 3x3",
        remedy: "Round it: `floor(...)`, `round(...)` or `divisible(..., 8)`.",
    },
    Fault {
        slug: "groups-divide",
        what: "groups do not divide the channels",
        example: "input 100@28x28\nconv 64 3x3 groups=32",
        remedy: "Take a divisor of both the input's and the output's channels.",
    },
    Fault {
        slug: "kernel-rank",
        what: "a kernel has another number of dimensions than the maps",
        example: "input 1@8000\nconv 32 3x3",
        remedy: "Give one number for each spatial axis; `k=3` is the same for all.",
    },
    Fault {
        slug: "maps-needed",
        what: "a layer that works on maps is given a vector",
        example: "input 1@28x28\nflatten\nconv 32 3x3",
        remedy: "Move it before `flatten`.",
    },
    Fault {
        slug: "merge-needs",
        what: "a join has nothing to join with",
        example: "input 3@28x28\nadd",
        remedy: "Name a label, or open branches: `add { | ... | ... }`.",
    },
    Fault {
        slug: "missing-channels",
        what: "an input has sizes but no channels",
        example: "input 28x28\nconv 32 3x3",
        remedy: "Write them before an `@`: `input 3@28x28`, `input 28x28 rgb`.",
    },
    Fault {
        slug: "missing-filters",
        what: "a convolution does not say how many filters it has",
        example: "input 1@28x28\nconv 3x3",
        remedy: "Write the number: `conv 64 3x3`.",
    },
    Fault {
        slug: "missing-kernel",
        what: "a convolution does not say how large its kernel is",
        example: "input 1@28x28\nconv 32",
        remedy: "Write it: `conv 32 3x3`, or `default conv 3x3` for the file.",
    },
    Fault {
        slug: "missing-units",
        what: "a dense layer does not say how many units it has",
        example: "input 10\ndense relu",
        remedy: "Write the number: `dense 10`.",
    },
    Fault {
        slug: "missing-window",
        what: "a pool does not say how large its window is",
        example: "input 3@28x28\nmaxpool",
        remedy: "Write it: `maxpool 2x2`.",
    },
    Fault {
        slug: "mul-mismatch",
        what: "tensors are multiplied whose shapes do not fit",
        example: "input 64@56x56\nmul {\n  | identity\n  | avgpool global; conv 16 1x1\n}",
        remedy: "The scale needs the same channels, with size 1 or the same size.",
    },
    Fault {
        slug: "no-body",
        what: "a layer that has no branches is given a body",
        example: "input 3@28x28\nconv 3 1x1 { relu }",
        remedy: "Leave the braces out, or write a `block`.",
    },
    Fault {
        slug: "no-in",
        what: "`in` stands outside a block, where there is no tensor that enters",
        example: "input 3@8x8\nadd in",
        remedy: "Label a line and use the label.",
    },
    Fault {
        slug: "no-input",
        what: "a model has no input",
        example: "conv 64 3x3",
        remedy: "Begin it with `input 3@224x224`.",
    },
    Fault {
        slug: "no-model",
        what: "a file describes no model",
        example: "block a { conv 3 3x3 }",
        remedy: "Add an input and layers, or import the blocks from another file.",
    },
    Fault {
        slug: "no-stride",
        what: "a layer without a stride is given one",
        example: "input 10\ndense 10 /2",
        remedy: "Leave it out.",
    },
    Fault {
        slug: "one-branch",
        what: "a join has a single branch",
        example: "input 3@28x28\nadd {\n  | relu\n}",
        remedy: "Add `| identity` for a skip.",
    },
    Fault {
        slug: "pad-shrinks",
        what: "padding would take away channels",
        example: "input 8@4x4\npad channels=4",
        remedy: "Use `conv 4 1x1` to have fewer.",
    },
    Fault {
        slug: "recursive-block",
        what: "a block calls itself",
        example: "block f { g }\nblock g { f }\ninput 3@28x28\nf",
        remedy: "Use `repeat` for a fixed number of times.",
    },
    Fault {
        slug: "repeat-not-whole",
        what: "a repetition is not a whole number of times",
        example: "let n = 7\ninput 3@28x28\nrepeat n/2 { relu }",
        remedy: "Round the number: `floor(n/2)`.",
    },
    Fault {
        slug: "shape-claim",
        what: "what comes out has another shape than claimed",
        example: "input 64@57x57\nmaxpool 2x2 -> 64@29x29",
        remedy: "Correct the claim, or the layer: `ceil` and `same` round up.",
    },
    Fault {
        slug: "share-mismatch",
        what: "layers that share weights need different ones",
        example: "input 3@28x28\nconv 8 3x3 share=w\nconv 8 3x3 share=w",
        remedy: "Give them the same input channels and the same settings, or separate names.",
    },
    Fault {
        slug: "slash-is-stride",
        what: "a slash outside parentheses is a stride, not a division",
        example: "block half(c) { conv c/2 3x3 }\ninput 4@28x28\nhalf 8",
        remedy: "Write `(c/2)` to divide, `c /2` for a stride.",
    },
    Fault {
        slug: "too-big",
        what: "a model expands to too many layers",
        example: "input 3@28x28\nrepeat 10_000_000 { relu }",
        remedy: "Repeat less.",
    },
    Fault {
        slug: "twice",
        what: "an option is given twice",
        example: "input 3@28x28\nconv 8 3x3 pad=1 pad=2",
        remedy: "Leave one out.",
    },
    Fault {
        slug: "two-numbers",
        what: "two bare numbers stand on one layer",
        example: "input 1@28x28\nconv 32 3",
        remedy: "Kernels are written `3x3` or `k=3`, strides `/2`, repetitions `x2`.",
    },
    Fault {
        slug: "unexpected-kernel",
        what: "a layer without a kernel is given one",
        example: "input 10\ndense 3x3",
        remedy: "Leave it out.",
    },
    Fault {
        slug: "unexpected-number",
        what: "a layer that takes no number is given one",
        example: "input 1@28x28\nbn 3",
        remedy: "Leave it out.",
    },
    Fault {
        slug: "unknown-layer",
        what: "a word is no layer, block or label",
        example: "input 1@28x28\ncnov 32 3x3",
        remedy: "Correct the spelling; `cnnsize ops layers` lists the layers.",
    },
    Fault {
        slug: "unknown-name",
        what: "a name is used that nothing has",
        example: "input 1@28x28\nconv 32 3x3 smae",
        remedy: "Correct the spelling, or define it with `let`.",
    },
    Fault {
        slug: "unknown-option",
        what: "a layer has no option of this name",
        example: "input 1@28x28\nconv 32 3x3 dilate=2",
        remedy: "`cnnsize explain LAYER` lists its options.",
    },
    Fault {
        slug: "unknown-quantity",
        what: "a claim is about something that is not counted",
        example: "input 3@28x28\nconv 8 3x3\nexpect parms 224",
        remedy: "Correct the spelling: `params`, `macs`, `infer.memory`, `train.memory`, or one of a line such as `c1.params`.",
    },
    Fault {
        slug: "unknown-setting",
        what: "`at` names something that it cannot set",
        example: "input 3@28x28\nconv 8 3x3\nexpect infer.memory <= 1 MB at bach=2",
        remedy: "It knows `batch` and `precision`.",
    },
    Fault {
        slug: "unknown-word",
        what: "a layer does not understand a word",
        example: "input 1@28x28\nmaxpool 2x2 nobias",
        remedy: "`cnnsize explain LAYER` lists its words.",
    },
    Fault {
        slug: "window-too-big",
        what: "a window does not fit into the maps",
        example: "input 1@28x28\nconv 8 3x3\nmaxpool 2x2\nconv 8 3x3\nmaxpool 2x2\nconv 8 3x3\nmaxpool 2x2\nmaxpool 2x2",
        remedy: "Use `same`, one pooling less, or a larger input.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use cnnsize::analyze::claim;
    use cnnsize::front::arch::{self, LoadError, Loader, Overrides};
    use std::path::Path;

    struct Alone;

    impl Loader for Alone {
        fn load(&self, _: &Path) -> Result<String, LoadError> {
            Err(LoadError::Missing)
        }
    }

    #[test]
    fn every_example_has_the_fault_that_it_is_for() {
        for fault in FAULTS {
            let document = arch::read(Path::new("net.arch"), fault.example.to_owned(), &Alone);
            let mut found: Vec<&str> =
                document.diagnostics.iter().chain(&document.no_model()).map(|d| d.code).collect();
            for model in 0..document.models().count() {
                let lowered = document.lower(model, &Overrides::default());
                found.extend(lowered.diagnostics.iter().map(|d| d.code));
                found.extend(claim::check(&document, model, &lowered).iter().map(|d| d.code));
            }
            assert!(found.contains(&fault.slug), "{}: {found:?}", fault.slug);
        }
    }
}
