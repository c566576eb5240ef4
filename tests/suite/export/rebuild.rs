//! Graphs that were read, written again: what was not asked to change is the same to the last byte, and what was asked
//! is what the same model would have been from the start.

use super::{changes, checked, folder, python, read, report, same, totals, written};
use cnnsize::back::onnx::{Changes, Rebuilt, Weights, rebuild};
use cnnsize::base::diagnostic::Severity;
use cnnsize::front::arch::{self, LoadError, Loader, Overrides};
use cnnsize::front::onnx::proto::{ModelProto, ValueInfoProto, tensor_shape_proto, type_proto};
use cnnsize::front::onnx::{self, Bindings};
use cnnsize::graph::Model;
use prost::Message;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const TEXT: &str = "
input 3@32x32
conv 16 3x3 same nobias bn relu
add { | conv 16 3x3 same bn | identity }
shuffle groups=4
maxpool 2x2
groupnorm 4
upsample 2
flatten
dense 10 softmax
";

struct NoImports;

impl Loader for NoImports {
    fn load(&self, _: &Path) -> Result<String, LoadError> {
        Err(LoadError::Missing)
    }
}

fn lower(batch: u64) -> Model {
    let document = arch::read(Path::new("text.arch"), TEXT.into(), &NoImports);
    let lowered = document.lower(0, &Overrides { batch: Some(batch), ..Overrides::default() });
    assert_eq!((document.diagnostics, lowered.diagnostics), (vec![], vec![]));
    lowered.model
}

fn again(bytes: &[u8], bindings: &Bindings, weights: Option<Weights>) -> Vec<u8> {
    changed(bytes, bindings, changes(weights))
}

fn changed(bytes: &[u8], bindings: &Bindings, changes: Changes) -> Vec<u8> {
    let Rebuilt { read, message } = rebuild(Arc::<[u8]>::from(bytes), bindings, changes).expect("it is in memory");
    let message = message.unwrap_or_else(|| panic!("{:?}", read.diagnostics));
    let mut out = Vec::new();
    message.write(&mut out).expect("memory takes everything");
    assert_eq!(out.len() as u64, message.size());
    out
}

fn batch(n: u64) -> Bindings {
    Bindings { batch: Some(n), ..Bindings::default() }
}

#[test]
fn another_batch_is_what_the_text_gives_for_it() {
    let folder = folder("export_batch");
    let one = written(&lower(1), Weights::Random { seed: 7 }).expect("all of it is ONNX");
    let four = again(&one, &batch(4), None);
    fs::write(folder.join("four.onnx"), &four).expect("a file");
    same(&report(&lower(4), 4), &report(&read(four).0, 4), "batch 4");
    assert_eq!(checked(&folder), "");
}

#[test]
fn weights_are_replaced_and_nothing_else() {
    let folder = folder("export_weights");
    let model = lower(1);
    let random = written(&model, Weights::Random { seed: 1 }).expect("all of it is ONNX");
    let zero = again(&random, &Bindings::default(), Some(Weights::Zero));
    assert_eq!(zero, written(&model, Weights::Zero).expect("all of it is ONNX"), "the same fields in the same order");
    assert_eq!(again(&zero, &Bindings::default(), Some(Weights::Random { seed: 1 })), random, "the seed decides");
    assert_ne!(again(&zero, &Bindings::default(), Some(Weights::Random { seed: 2 })), random, "and does decide");
    let stripped = again(&random, &Bindings::default(), Some(Weights::Stripped));
    assert!(stripped.len() < random.len() / 10, "{} of {}", stripped.len(), random.len());
    fs::write(folder.join("stripped.onnx"), &stripped).expect("a file");
    assert_eq!(totals(&report(&read(stripped).0, 1)), totals(&report(&model, 1)));
    assert_eq!(checked(&folder), "");
}

/// Graphs of others, as text that `onnx.parser` reads: sub-graphs with shapes of their own, functions, stored values that
/// are inputs, weights in nodes, in other files and left out, one that two layers had each for itself, constants that
/// would pass for weights, metadata, and a field that no version of ONNX has.
const OTHERS: &str = r#"
import numpy, onnx, sys
from onnx import helper, numpy_helper, parser
def save(name, text, floats=(), change=lambda model: None):
    model = parser.parse_model(text)
    random = numpy.random.default_rng(3)
    for weight, shape in floats:
        values = random.random(shape, dtype=numpy.float32) + 0.1
        model.graph.initializer.append(numpy_helper.from_array(values, weight))
    change(model)
    with open(f'{sys.argv[1]}/{name}.onnx', 'wb') as file:
        file.write(model.SerializeToString() + bytes([0xfa, 0x3f, 3]) + b'new')
    onnx.checker.check_model(file.name, full_check=True)

save('control', '''<ir_version: 8, opset_import: ["": 17], metadata_props: ["author": "somebody"]>
control (float[2, 3, 8, 8] x, bool c) => (float[2, 4, 6, 6] y) <float[2, 4, 6, 6] h> {
    h = Conv(x, w)
    y = If(c) <then_branch = yes () => (float[2, 4, 6, 6] a) <float[2, 4, 6, 6] t> { t = Relu(h) a = Neg(t) },
               else_branch = no () => (float[2, 4, 6, 6] b) { b = Sigmoid(h) }>
}''', [('w', (4, 3, 3, 3))])

save('function', '''<ir_version: 10, opset_import: ["": 21, "own": 1]>
function (float[2, 16] x) => (float[2, 128] y) { y = own.Scaled(x, w, g) }
<domain: "own", opset_import: ["": 21]>
Scaled (x, w, g) => (y) { h = MatMul(x, w) y = Mul(h, g) }''', [('w', (16, 128)), ('g', (128,))])

save('old', '''<ir_version: 3, opset_import: ["": 9]>
old (float[2, 3, 8, 8] x, float[8, 3, 3, 3] w, float[8] s, float[8] b, float[8] m, float[8] v) => (float[2, 8, 6, 6] y) {
    h = Conv(x, w)
    y = BatchNormalization(h, s, b, m, v)
}''', [('w', (8, 3, 3, 3)), ('s', (8,)), ('b', (8,)), ('m', (8,)), ('v', (8,))])

kernel = numpy.random.default_rng(4).random((32, 16), dtype=numpy.float32)
def constant(model):
    model.graph.node.insert(0, helper.make_node('Constant', [], ['w'], value=numpy_helper.from_array(kernel, 'w')))
save('constant', '''<ir_version: 8, opset_import: ["": 17]>
constant (float[N, 32] x) => (float[N, 16] y) { h = MatMul(x, w) y = Relu(h) }''', change=constant)

save('light', '''<ir_version: 8, opset_import: ["": 17]>
light (float[2, 3, 8, 8] x) => (float[2, 8, 6, 6] y) <int64[1] n = {8}> {
    h = Conv(x, w)
    s = ConstantOfShape <value = float[1] {1.0}> (n)
    z = ConstantOfShape <value = float[1] {0.0}> (n)
    y = BatchNormalization(h, s, z, z, s)
}''', [('w', (8, 3, 3, 3))])

save('merged', '''<ir_version: 8, opset_import: ["": 17]>
merged (float[2, 4, 8, 8] x) => (float[2, 4, 4, 4] y) { h = Conv(x, w) v = Identity(w) y = Conv(h, v) }''',
     [('w', (4, 4, 3, 3))])

save('normalised', '''<ir_version: 8, opset_import: ["": 17]>
normalised (float[2, 3] x) => (float[2, 64] y) {
    m = Constant <value = float[3] {1.0, 2.0, 3.0}> ()
    h = Sub(x, m)
    y = MatMul(h, w)
}''', [('w', (3, 64))])

# The same name in both branches, with different sizes; a copy in a body that runs again and again.
def inside(weights):
    def change(model):
        for node in model.graph.node:
            for attribute in node.attribute:
                for weight, shape in weights.items():
                    values = numpy.random.default_rng(shape[0]).random(shape, dtype=numpy.float32) + 0.1
                    made = numpy_helper.from_array(values, weight)
                    if attribute.type == onnx.AttributeProto.GRAPH:
                        attribute.g.initializer.append(made)
    return change
save('branches', '''<ir_version: 8, opset_import: ["": 17]>
branches (float[2, 32] x, bool c) => (float[2, 16] y) {
    y = If(c) <then_branch = yes () => (float[2, 16] a) { a = MatMul(x, w) },
               else_branch = no () => (float[2, 16] b) { t = Relu(x) b = MatMul(t, w) }>
}''', change=inside({'w': (32, 16)}))
save('loop', '''<ir_version: 8, opset_import: ["": 17]>
loop (float[2, 32] x) => (float[2, 32] y) <int64 n = {3}> {
    y = Loop(n, , x) <body = again (int64 i, bool c, float[2, 32] h) => (bool d, float[2, 32] o) {
        d = Identity(c) m = MatMul(h, w) o = Add(m, b) }>
}''', change=inside({'w': (32, 32), 'b': (32,)}))

def in_function(model):
    values = numpy.random.default_rng(6).random((32, 32), dtype=numpy.float32) + 0.1
    for function in model.functions:
        function.node.insert(0, helper.make_node('Constant', [], ['w'], value=numpy_helper.from_array(values, 'w')))
save('called', '''<ir_version: 10, opset_import: ["": 21, "own": 1]>
called (float[2, 32] x) => (float[2, 32] y) { h = own.Dense(x) y = own.Dense(h) }
<domain: "own", opset_import: ["": 21]>
Dense (x) => (y) { h = MatMul(x, w) y = Relu(h) }''', change=in_function)

def external(model):
    onnx.external_data_helper.convert_model_to_external_data(model, location='external.bin', size_threshold=0)
    onnx.external_data_helper.write_external_data_tensors(model, sys.argv[1])
save('external', '''<ir_version: 8, opset_import: ["": 17]>
external (float[N, 32] x) => (float[N, 16] y) { y = MatMul(x, w) }''', [('w', (32, 16))], change=external)
"#;

const NAMES: [&str; 11] = [
    "branches",
    "loop",
    "called",
    "control",
    "function",
    "old",
    "constant",
    "light",
    "merged",
    "normalised",
    "external",
];

/// Runs `FILE.onnx` and `FILE.new.onnx`: with another batch, each example's results must be those it had.
const RUN: &str = r"
import glob, numpy, onnxruntime, sys
onnxruntime.set_default_logger_severity(3)
def session(path):
    return onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
random = numpy.random.default_rng(5)
for new in sorted(glob.glob(sys.argv[1] + '/*.new')):
    one, four = session(new.removesuffix('.new')), session(new)
    feeds = {}
    for feed in four.get_inputs():
        feeds[feed.name] = numpy.array(True) if feed.shape == [] else random.random([4 if size == 'N' else size for size in feed.shape], dtype=numpy.float32)
    whole = four.run(None, feeds)
    part = lambda i: {n: v if v.ndim == 0 else v[i:i + 2] for n, v in feeds.items()}
    halves = [one.run(None, part(i)) for i in (0, 2)]
    for out, halves in zip(whole, zip(*halves)):
        if not numpy.allclose(out, numpy.concatenate(halves), rtol=1e-4, atol=1e-5):
            print(new, 'differs')
";

#[test]
fn graphs_of_others_keep_what_they_hold() {
    let folder = folder("export_others");
    python(OTHERS, &folder);
    let file = |name: &str| fs::read(folder.join(format!("{name}.onnx"))).expect("a file");
    for name in NAMES {
        let bytes = file(name);
        assert_eq!(again(&bytes, &Bindings::default(), None), bytes, "{name}: nothing was asked");
        let four = again(&bytes, &batch(4), None);
        assert!(four.ends_with(b"\xfa\x3f\x03new"), "{name}: fields that nobody knows stay");
        fs::write(folder.join(format!("{name}.onnx.new")), four).expect("a file");
    }
    assert_eq!(python(RUN, &folder), "");
    for name in NAMES {
        let open = changed(&file(name), &Bindings::default(), Changes { weights: None, any_batch: true });
        let input = onnx::read(Arc::<[u8]>::from(&*open), &batch(7)).model.expect("a network");
        assert_eq!(first(&input), Some(7), "{name}");
        fs::write(folder.join(format!("{name}.onnx.new")), open).expect("a file");
    }
    assert_eq!(python(RUN, &folder), "");
}

/// The first size of the first input.
fn first(model: &Model) -> Option<u64> {
    model.values[model.main.inputs[0]].ty.tensor()?.shape.dims()?.first()?.size()
}

const SYMBOLS: &str = r#"
import onnx, sys
def save(name, text):
    onnx.save(onnx.parser.parse_model('<ir_version: 8, opset_import: ["": 17]>' + text), f'{sys.argv[1]}/{name}.onnx')
save('open', 'g (float[images, 3, H, W] x) => (float[images, 3, H, W] y) { y = Relu(x) }')
save('taken', 'g (float[2, 3, N] x) => (float[2, 3, N] y) { y = Relu(x) }')
save('fixed', 'g (float[1, 4, 2] x) => (float[1, 8] y) <int64[2] to = {1, 8}> { y = Reshape(x, to) }')
"#;

/// The sizes of the first input as they are written.
fn written_sizes(bytes: &[u8]) -> String {
    let graph = ModelProto::decode(bytes).expect("a model").graph.expect("a graph");
    let info = ValueInfoProto::decode(graph.input[0].clone()).expect("an input");
    let Some(type_proto::Value::TensorType(tensor)) = info.r#type.and_then(|t| t.value) else { panic!("a tensor") };
    let size = |dim: &tensor_shape_proto::Dimension| match &dim.value {
        Some(tensor_shape_proto::dimension::Value::DimValue(n)) => n.to_string(),
        Some(tensor_shape_proto::dimension::Value::DimParam(name)) => String::from_utf8_lossy(name).into_owned(),
        None => "?".into(),
    };
    tensor.shape.expect("a shape").dim.iter().map(size).collect::<Vec<_>>().join("x")
}

#[test]
fn a_batch_that_nobody_fixes_stays_open_under_its_name() {
    let folder = folder("export_symbols");
    python(SYMBOLS, &folder);
    let file = |name: &str| fs::read(folder.join(format!("{name}.onnx"))).expect("a file");
    let any = Changes { weights: None, any_batch: true };
    let high = Bindings { dims: vec![("H".into(), 480)], ..Bindings::default() };
    assert_eq!(changed(&file("open"), &Bindings::default(), any), file("open"), "it is open already");
    assert_eq!(written_sizes(&again(&file("open"), &high, None)), "imagesx3x480xW");
    assert_eq!(written_sizes(&changed(&file("taken"), &Bindings::default(), any)), "batchx3xN");
    let rebuilt = rebuild(Arc::<[u8]>::from(file("fixed")), &Bindings::default(), any).expect("in memory");
    let error = rebuilt.read.diagnostics.iter().find(|d| d.severity == Severity::Error).expect("a batch of 1");
    assert!(
        rebuilt.message.is_none() && error.help.as_ref().is_some_and(|h| h.contains("`--symbolic-batch`")),
        "{error:?}"
    );
}

/// Names every tensor of `NAME.KIND.onnx` that holds what one of `NAME.onnx` does: floats, more than a few.
const KEPT: &str = r"
import glob, onnx, os, sys
def tensors(message):
    for field, value in message.ListFields():
        for item in value if field.is_repeated else [value]:
            if isinstance(item, onnx.TensorProto):
                yield item
            elif field.type == field.TYPE_MESSAGE:
                yield from tensors(item)
def contents(path):
    model = onnx.load(path, load_external_data=False)
    wanted = [t for t in tensors(model) if t.data_type == 1 and t.dims and t.dims[0] > 4 and not t.external_data]
    return {onnx.numpy_helper.to_array(t).tobytes() for t in wanted}
old, new = sys.argv[1], sys.argv[1] + '_new'
for path in sorted(glob.glob(new + '/*.onnx')):
    name = os.path.basename(path)
    if contents(path) & contents(f'{old}/{name.split(chr(46))[0]}.onnx'):
        print(name)
";

#[test]
fn graphs_of_others_lose_their_weights_and_keep_their_figures() {
    let (folder, new) = (folder("export_light"), folder("export_light_new"));
    python(OTHERS, &folder);
    for name in NAMES {
        let bytes = fs::read(folder.join(format!("{name}.onnx"))).expect("a file");
        let before = totals(&report(&open(&bytes), 2));
        for weights in [Weights::Stripped, Weights::Zero, Weights::Random { seed: 9 }] {
            let made = again(&bytes, &Bindings::default(), Some(weights));
            assert_ne!(made, bytes, "{name} {weights:?}");
            assert_eq!(totals(&report(&open(&made), 2)), before, "{name} {weights:?}");
            let kind = format!("{weights:?}").split(' ').next().unwrap_or_default().to_owned();
            fs::write(new.join(format!("{name}.{kind}.onnx")), made).expect("a file");
        }
    }
    assert_eq!(checked(&new), "");
    assert_eq!(python(KEPT, &folder), "");
}

/// Tensors that are mostly zero keep their places, and a node that stands for one is as large as the whole. (The checker's
/// inference knows of no such tensors.)
#[test]
fn sparse_weights_are_replaced_too() {
    const SPARSE: &str = r#"
import numpy, onnx, sys
from onnx import helper, numpy_helper
values = numpy.arange(1, 41, dtype=numpy.float32)
tensor = lambda name, start: helper.make_sparse_tensor(
    numpy_helper.from_array(values + start, name),
    numpy_helper.from_array(numpy.arange(0, 400, 10, dtype=numpy.int64), name + 's'), [32, 32])
model = onnx.parser.parse_model('''<ir_version: 8, opset_import: ["": 17]>
sparse (float[2, 32] x) => (float[2, 32] y) { h = MatMul(x, w) y = MatMul(h, v) }''')
model.graph.sparse_initializer.append(tensor('w', 0))
model.graph.node.insert(0, helper.make_node('Constant', [], ['v'], sparse_value=tensor('u', 100)))
onnx.checker.check_model(model)
onnx.save(model, sys.argv[1] + '/sparse.onnx')
"#;
    const RUN_SPARSE: &str = r"
import glob, numpy, onnx, onnxruntime, sys
for path in sorted(glob.glob(sys.argv[1] + '/*.onnx')):
    onnx.checker.check_model(path)
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    y, = session.run(None, {'x': numpy.ones((2, 32), numpy.float32)})
    stored = onnx.load(path).graph.sparse_initializer
    print(len(stored), [len(w.indices.int64_data or w.indices.raw_data) // 8 for w in stored], (y != 0).any())
";
    let (folder, new) = (folder("export_sparse"), folder("export_sparse_new"));
    python(SPARSE, &folder);
    let bytes = fs::read(folder.join("sparse.onnx")).expect("a file");
    let before = totals(&report(&open(&bytes), 1));
    assert_eq!(before.parameters.least.0, 2 * 32 * 32);
    for (name, weights) in [("a", Weights::Random { seed: 1 }), ("b", Weights::Stripped), ("c", Weights::Zero)] {
        let made = again(&bytes, &Bindings::default(), Some(weights));
        assert_eq!(totals(&report(&open(&made), 1)), before, "{weights:?}");
        fs::write(new.join(format!("sparse.{name}.onnx")), made).expect("a file");
    }
    assert_eq!(python(KEPT, &folder), "");
    assert_eq!(python(RUN_SPARSE, &new), "1 [40] True\n0 [] False\n1 [40] False\n");
}

/// `ConstantOfShape` came with version 9 of the operators.
#[test]
fn weights_of_the_oldest_graphs_cannot_be_left_out() {
    const OLDEST: &str = r#"
import numpy, onnx, sys
model = onnx.parser.parse_model('''<ir_version: 4, opset_import: ["": 8]>
g (float[1, 8, 9, 9] x) => (float[1, 8, 7, 7] y) { y = Conv(x, w) }''')
model.graph.initializer.append(onnx.numpy_helper.from_array(numpy.ones((8, 8, 3, 3), dtype=numpy.float32), 'w'))
onnx.save(model, sys.argv[1] + '/oldest.onnx')
"#;
    let folder = folder("export_oldest");
    python(OLDEST, &folder);
    let bytes = fs::read(folder.join("oldest.onnx")).expect("a file");
    let rebuilt =
        rebuild(Arc::<[u8]>::from(bytes), &Bindings::default(), changes(Some(Weights::Stripped))).expect("in memory");
    let codes: Vec<_> = rebuilt.read.diagnostics.iter().map(|d| d.code).collect();
    assert_eq!(codes, ["old-operators"]);
    assert!(rebuilt.message.is_none());
}

/// Learned numbers in attributes are no tensors that a node could stand for, and the file needs no operator for that.
#[test]
fn weights_in_attributes_stay() {
    const CLASSIFIER: &str = r"
import onnx, sys
from onnx import helper
node = helper.make_node('LinearRegressor', ['x'], ['y'], domain='ai.onnx.ml', coefficients=[0.5] * 200, targets=2)
info = lambda name, sizes: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, sizes)
graph = helper.make_graph([node], 'g', [info('x', [1, 100])], [info('y', [1, 2])])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('ai.onnx.ml', 1)]), sys.argv[1] + '/linear.onnx')
";
    let folder = folder("export_attributes");
    python(CLASSIFIER, &folder);
    let bytes = fs::read(folder.join("linear.onnx")).expect("a file");
    assert_eq!(report(&open(&bytes), 1).totals.parameters.least.0, 200);
    for weights in [Weights::Stripped, Weights::Zero] {
        let rebuilt =
            rebuild(Arc::<[u8]>::from(&*bytes), &Bindings::default(), changes(Some(weights))).expect("in memory");
        let said: Vec<_> = rebuilt.read.diagnostics.iter().map(|d| (d.code, d.message.as_str())).collect();
        assert_eq!(said, [("weights-copied", "the contents of `y.coefficients` are copied as they are")]);
        assert_eq!(again(&bytes, &Bindings::default(), Some(weights)), bytes, "{weights:?}");
    }
}

/// A function that nothing calls has no role for what it holds; one whose call says what a constant holds has none itself.
#[test]
fn weights_that_cannot_be_reached_are_named() {
    const IDLE: &str = r#"
import numpy, onnx, sys
model = onnx.parser.parse_model('''<ir_version: 10, opset_import: ["": 21, "own": 1]>
g (float[2, 32] x) => (float[2, 32] y) { y = own.Given(x) }
<domain: "own", opset_import: ["": 21]>
Idle (x) => (y) { y = MatMul(x, w) }
<domain: "own", opset_import: ["": 21]>
Given <w> (x) => (y) { v = Constant <value: tensor = @w> () y = MatMul(x, v) }''')
values = onnx.numpy_helper.from_array(numpy.ones((32, 32), dtype=numpy.float32), 'w')
model.functions[0].node.insert(0, onnx.helper.make_node('Constant', [], ['w'], value=values))
model.graph.node[0].attribute.append(onnx.helper.make_attribute('w', values))
onnx.save(model, sys.argv[1] + '/idle.onnx')
"#;
    let folder = folder("export_idle");
    python(IDLE, &folder);
    let bytes = fs::read(folder.join("idle.onnx")).expect("a file");
    let rebuilt =
        rebuild(Arc::<[u8]>::from(bytes), &Bindings::default(), changes(Some(Weights::Zero))).expect("in memory");
    let said: Vec<_> = rebuilt.read.diagnostics.iter().map(|d| (d.code, d.message.as_str())).collect();
    assert_eq!(said, [("weights-copied", "the contents of `w`, `y`, `y/v` are copied as they are")]);
}

/// A quantised graph with everything in another file, and one whose sizes are there too.
const QUANTISED: &str = r#"
import numpy, onnx, sys
from onnx import numpy_helper, parser
def save(name, text, tensors):
    model = parser.parse_model(text)
    for tensor, values in tensors.items():
        model.graph.initializer.append(numpy_helper.from_array(values, tensor))
    onnx.external_data_helper.convert_model_to_external_data(model, location=name + '.bin', size_threshold=0)
    onnx.save(model, f'{sys.argv[1]}/{name}.onnx')
scale, point = numpy.float32(0.02), numpy.int8(3)
tensors = dict(w=numpy.ones((32, 16), numpy.int8), ws=numpy.full(16, scale), wz=numpy.zeros(16, numpy.int8),
               s=numpy.array(scale), z=numpy.array(point))
text = """<ir_version: 8, opset_import: ["": 17]>
quantised (float[2, 32] x) => (float[N, M] y) {
    q = QuantizeLinear(x, s, z)
    a = DequantizeLinear(q, s, z)
    b = DequantizeLinear <axis = 1> (w, ws, wz)
    h = MatMul(a, b)
    y = LAST
}"""
save('numbers', text.replace('LAST', 'Relu(h)'), tensors)
save('sizes', text.replace('LAST', 'Reshape(h, shape)'), tensors | dict(shape=numpy.array([4, 8])))
"#;

/// Runs every file of a folder that holds nothing else.
const RUN_ALONE: &str = r"
import glob, numpy, onnxruntime, sys
for path in glob.glob(sys.argv[1] + '/*.onnx'):
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    y, = session.run(None, {'x': numpy.ones((2, 32), numpy.float32)})
    if y.shape != (2, 16) or not numpy.isfinite(y).all():
        print(path, y)
";

#[test]
fn graphs_with_made_up_weights_need_no_other_file() {
    let (folder, alone) = (folder("export_quantised"), folder("export_quantised_alone"));
    python(QUANTISED, &folder);
    let bytes = fs::read(folder.join("numbers.onnx")).expect("a file");
    for weights in [Weights::Zero, Weights::Random { seed: 1 }] {
        let made = again(&bytes, &Bindings::default(), Some(weights));
        fs::write(alone.join(format!("{}.onnx", made.len())), &made).expect("a file");
        assert_eq!(python(RUN_ALONE, &alone), "", "{weights:?}");
    }
}

/// A size cannot be made up; what is said names the tensor, and that alone.
#[test]
fn what_steers_stays_in_its_file_and_is_named() {
    let folder = folder("export_steers");
    python(QUANTISED, &folder);
    let bytes = fs::read(folder.join("sizes.onnx")).expect("a file");
    let rebuilt =
        rebuild(Arc::<[u8]>::from(bytes), &Bindings::default(), changes(Some(Weights::Zero))).expect("in memory");
    let said: Vec<_> = rebuilt.read.diagnostics.iter().filter(|d| d.severity == Severity::Warning).collect();
    let messages: Vec<_> = said.iter().map(|d| (d.code, d.message.as_str())).collect();
    let message = "the contents of `shape` cannot be made up and stay in other files";
    assert_eq!(messages, [("external-data", message)]);
}

/// The network of a file, whatever is said about it.
fn open(bytes: &[u8]) -> Model {
    onnx::read(Arc::<[u8]>::from(bytes), &Bindings::default()).model.expect("a network")
}
