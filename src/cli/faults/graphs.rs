//! Pages on ONNX graphs. Examples are in ONNX's own textual syntax.

use super::Example::{Graph, Words};
use super::Fault;

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        slug: "bad-value",
        what: "`--value` gives an input what it cannot hold",
        why: "The contents decide shapes, so they must be of the input's type and number.",
        example: Graph(
            "--value shape=2,x",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[6] x, int64[2] shape) => (float[A, B] y) {\n  y = Reshape(x, shape)\n}",
        ),
        remedy: "Separate values by commas: `--value shape=2,3`.",
    },
    Fault {
        slug: "batch-assumed",
        what: "a graph leaves its batch open, and it was sized for 1",
        why: "Memory grows with the batch, so the figures hold for one example only.",
        example: Graph(
            "",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[N, 3, 8, 8] x) => (float[N, 3, 8, 8] y) {\n  y = Relu(x)\n}",
        ),
        remedy: "Say which: `--batch 8`.",
    },
    Fault {
        slug: "batch-fixed",
        what: "a node forbids another batch",
        why: "The file was exported for one batch, which is written into the node.",
        example: Graph(
            "--batch 4",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[1, 4] x) => (float[1, 4] y) <int64[2] to = {1, -1}> {\n  y = Reshape(x, to)\n}",
        ),
        remedy: "Export with a dynamic batch (`dynamic_axes`, `dynamic_shapes`), or size the batch of the file.",
    },
    Fault {
        slug: "batch-unknown",
        what: "a recurrent layer's batch is in no dimension of the inputs that could be found",
        why: "Recurrent layers take sequences step by step; which dimension is the batch is their word, followed back to the inputs. A reshape with its sizes written into it hides that.",
        example: Graph(
            "",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[4, 6] x, float[1, 8, 2] w, float[1, 8, 2] r) => (float[S, D, B, H] y) <int64[3] to = {6, 2, 2}> {\n  h = Reshape(x, to)\n  y = LSTM<hidden_size = 2>(h, w, r)\n}",
        ),
        remedy: "Figures for the whole batch are right. For one example, divide them by the batch that you know.",
    },
    Fault {
        slug: "binding-conflict",
        what: "two options give one dimension two sizes",
        why: "Only one of them can hold.",
        example: Graph(
            "--batch 2 --dim N=3",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[N, 3] x) => (float[N, 3] y) {\n  y = Relu(x)\n}",
        ),
        remedy: "Drop one of them.",
    },
    Fault {
        slug: "branch-impossible",
        what: "a branch of an `If` cannot be with such inputs",
        why: "Its condition is not known, and one of the two branches has sizes that do not fit, so the other one runs.",
        example: Words("an `If` on an input's size, one branch of which squeezes an axis that is not 1"),
        remedy: "Nothing; it is said so that you know which branch was counted.",
    },
    Fault {
        slug: "broadcast-mismatch",
        what: "tensors of different shapes meet where one value goes with one",
        why: "Aligned at the end, sizes must be equal or 1.",
        example: Graph(
            "",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[2, 3] a, float[2, 4] b) => (float[2, 3] y) {\n  y = Add(a, b)\n}",
        ),
        remedy: "Look where the sizes part; often the graph was exported for another input size.",
    },
    Fault {
        slug: "channels-mismatch",
        what: "a weight is made for another number of channels than come in",
        why: "The product has no meaning.",
        example: Graph(
            "",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[1, 3, 8, 8] x, float[4, 5, 3, 3] w) => (float[1, 4, 6, 6] y) {\n  y = Conv(x, w)\n}",
        ),
        remedy: "Feed an input with as many channels as the message says, or export the model again.",
    },
    Fault {
        slug: "contents-unknown",
        what: "an input decides sizes, and what it holds is not known",
        why: "The sizes that follow from it are unknown, and totals are lower bounds.",
        example: Graph(
            "",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[6] x, int64[2] shape) => (float[A, B] y) {\n  y = Reshape(x, shape)\n}",
        ),
        remedy: "Say what it holds: `--value shape=2,3`.",
    },
    Fault {
        slug: "declared-differs",
        what: "a value has another shape or type than the file declares",
        why: "Declarations are checked and never used; a wrong one shows that the file was edited.",
        example: Graph(
            "",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[2, 3] x) => (float[2, 3] y) <float[2, 4] a> {\n  a = Relu(x)\n  y = Relu(a)\n}",
        ),
        remedy: "Nothing, if the inferred one is right; `onnx.shape_inference` writes them anew.",
    },
    Fault {
        slug: "external-data",
        what: "weights lie in another file, which was not opened",
        why: "Sizes are all that is needed, and they stand in the graph.",
        example: Words("a model of more than 2 GB, whose weights are in `model.onnx.data`"),
        remedy: "Nothing. A path that leads out of the model's folder deserves a look.",
    },
    Fault {
        slug: "function-depth",
        what: "functions of the file call one another too deep",
        why: "A bound keeps the program from running out of memory.",
        example: Words("a function that calls itself"),
        remedy: "Export the model again: ONNX forbids recursion.",
    },
    Fault {
        slug: "graph-cycle",
        what: "nodes wait for one another",
        why: "None of them can run first.",
        example: Graph(
            "",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[2, 3] x) => (float[2, 3] y) {\n  a = Add(x, b)\n  b = Relu(a)\n  y = Relu(b)\n}",
        ),
        remedy: "Export the model again: a graph must not have cycles.",
    },
    Fault {
        slug: "invalid-node",
        what: "a node breaks its operator's own specification",
        why: "An attribute or an input is missing, of the wrong kind, or impossible.",
        example: Graph(
            "",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[1, 3, 8, 8] x) => (float[1, 3, 8, 8] y) {\n  y = MaxPool(x)\n}",
        ),
        remedy: "Export the model again; `onnx.checker.check_model` says more.",
    },
    Fault {
        slug: "invalid-tensor",
        what: "a stored tensor contradicts itself",
        why: "Its type or its sizes are impossible, so its bytes cannot be counted.",
        example: Words("an initialiser with a negative size"),
        remedy: "Export the model again.",
    },
    Fault {
        slug: "matmul-mismatch",
        what: "two matrices do not fit each other",
        why: "The inner sizes of a product must agree.",
        example: Graph(
            "",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[2, 3] a, float[4, 5] b) => (float[2, 5] y) {\n  y = MatMul(a, b)\n}",
        ),
        remedy: "A dense layer behind `Flatten` fixes the image size; feed the one that the model was exported for.",
    },
    Fault {
        slug: "more-errors",
        what: "more errors were found than are listed",
        why: "They usually have one cause, which is among the first.",
        example: Words("a graph that was exported for another input size"),
        remedy: "Mend the first ones.",
    },
    Fault {
        slug: "negative-size",
        what: "a size below zero comes out",
        why: "A window or a crop takes more away than there is.",
        example: Graph(
            "",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[1, 1, 4, 4] x) => (float[1, 1, A, B] y) <int64[8] pads = {0, 0, -3, -3, 0, 0, -3, -3}> {\n  y = Pad(x, pads)\n}",
        ),
        remedy: "Feed a larger input.",
    },
    Fault {
        slug: "not-onnx",
        what: "a file is not ONNX",
        why: "It is empty, or something else under that name.",
        example: Words("a Git LFS pointer, a web page or a PyTorch checkpoint that is named `.onnx`"),
        remedy: "The message says what it is and how to get the model.",
    },
    Fault {
        slug: "not-in-onnx",
        what: "a layer cannot be written as ONNX",
        why: "ONNX has no operator for it, or none that computes in such element types, and one that is nearly the same would be \
              another network.",
        example: Words(
            "`cnnsize export lenet.arch -o lenet.onnx`, where `conv 16 5x5 links=60` joins some pairs of maps only",
        ),
        remedy: "All figures of the layer are known without it; `cnnsize export` draws it with `--format dot` or `mermaid`.",
    },
    Fault {
        slug: "old-operators",
        what: "weights cannot be left out of a file of so old operators",
        why: "`ConstantOfShape`, which stands for a weight that is left out, is in ONNX since version 9 of its operators.",
        example: Words("`cnnsize export old.onnx --weights none -o new.onnx`"),
        remedy: "`--weights zero` writes them as zeros; they compress well.",
    },
    Fault {
        slug: "onnx-damaged",
        what: "a file's structure contradicts itself",
        why: "Bytes were changed; what follows cannot be trusted.",
        example: Words("a file that was transferred as text"),
        remedy: "Fetch the file again.",
    },
    Fault {
        slug: "onnx-nesting",
        what: "graphs inside of graphs are nested too deep",
        why: "A bound keeps the program from running out of memory.",
        example: Words("an `If` in an `If`, 30 times over"),
        remedy: "Export the model again.",
    },
    Fault {
        slug: "onnx-too-many",
        what: "a file holds more parts than its size can justify",
        why: "A bound keeps a small file from filling memory.",
        example: Words("a file of empty nodes"),
        remedy: "Export the model again.",
    },
    Fault {
        slug: "onnx-truncated",
        what: "a file ends in the middle",
        why: "It was not copied whole.",
        example: Words("a download that was interrupted"),
        remedy: "Fetch the file again.",
    },
    Fault {
        slug: "one-example-unknown",
        what: "what one example takes is not known, because the graph works for the batch of its file alone",
        why: "The table shows memory for one example beside that for the batch, and another batch is built into a node.",
        example: Words("a graph of 8 images whose `Reshape` has the 8 written into its sizes"),
        remedy: "Nothing, if the batch of the file is what you want; otherwise export with a dynamic batch.",
    },
    Fault {
        slug: "precision-unused",
        what: "`--precision` is given for a graph that holds no 32-bit floats",
        why: "It takes the place of 32-bit floats only: what the file states otherwise was meant so.",
        example: Graph(
            "--precision fp16",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (int8[2, 3] x) => (int8[2, 3] y) {\n  y = Identity(x)\n}",
        ),
        remedy: "Drop it, or give the graph as it was before it was converted.",
    },
    Fault {
        slug: "reshape-mismatch",
        what: "values do not fill the shape that they are given",
        why: "A size was written down when the model was exported, and holds for that input only.",
        example: Graph(
            "",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[2, 3] x) => (float[4, 2] y) <int64[2] to = {4, 2}> {\n  y = Reshape(x, to)\n}",
        ),
        remedy: "Feed the input size, and the batch, that the model was exported for.",
    },
    Fault {
        slug: "stored-order",
        what: "nodes are not stored in the order in which they can run",
        why: "ONNX asks for that order; some tools that edit graphs do not keep it.",
        example: Graph(
            "",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[2, 3] x) => (float[2, 3] y) {\n  y = Relu(a)\n  a = Relu(x)\n}",
        ),
        remedy: "Nothing: they were put into an order. Figures by lifetime hold for that one.",
    },
    Fault {
        slug: "undefined-name",
        what: "a node reads what nothing makes",
        why: "A part of the graph is missing.",
        example: Graph(
            "",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[2, 3] x) => (float[2, 3] y) {\n  y = Add(x, z)\n}",
        ),
        remedy: "Export the model again.",
    },
    Fault {
        slug: "unknown-dim",
        what: "`--dim` names no dimension of the graph",
        why: "A misspelt name would leave the dimension open.",
        example: Graph(
            "--dim M=3",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[N, 3] x) => (float[N, 3] y) {\n  y = Relu(x)\n}",
        ),
        remedy: "The message lists the names that there are.",
    },
    Fault {
        slug: "unknown-input",
        what: "an option names no input of the graph, or not which of several",
        why: "The size would go nowhere.",
        example: Graph(
            "--input img=1x3x8x8",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[N, 3, H, W] image) => (float[N, 3, H, W] y) {\n  y = Relu(image)\n}",
        ),
        remedy: "The message lists the inputs.",
    },
    Fault {
        slug: "unknown-operator",
        what: "an operator is not known",
        why: "What it computes is not counted, so totals are lower bounds; everything else is known.",
        example: Graph(
            "",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[2, 3] x) => (float[2, 3] y) {\n  y = Frobnicate(x)\n}",
        ),
        remedy: "`cnnsize ops` lists what is known. Declared output sizes are used for such a node.",
    },
    Fault {
        slug: "unreadable",
        what: "a file cannot be read on",
        why: "The system reports an error while it is read.",
        example: Words("a network drive that went away"),
        remedy: "The message says why.",
    },
    Fault {
        slug: "weights-copied",
        what: "weights stay what they are though others were asked for",
        why: "They are part of a node (coefficients, trees), or of a function that nothing calls.",
        example: Words(
            "`cnnsize export trees.onnx -o new.onnx --weights zero` of a graph with a `TreeEnsembleRegressor`",
        ),
        remedy: "If the numbers must not leave the house, do not send the new file either.",
    },
    Fault {
        slug: "wrong-rank",
        what: "a size has more or fewer dimensions than the input",
        why: "It is not known which dimensions are meant.",
        example: Graph(
            "--input 3x8",
            "<ir_version: 10, opset_import: [\"\" : 20]>\ng (float[N, 3, H, W] x) => (float[N, 3, H, W] y) {\n  y = Relu(x)\n}",
        ),
        remedy: "Give every dimension, or all but the batch.",
    },
];
