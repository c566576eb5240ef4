//! Counting multiply-accumulates by running: in a model of one node, without a bias, with ones for every input, each
//! element of the output *is* the number of products that were summed for it, and all of them together are the node's
//! multiply-accumulates.
//!
//! Zeros that a convolution puts around its input are counted by the nominal figure and not by this sum, so the node runs
//! twice: with ones where the zeros would be, and as it is. In 32-bit floats a sum of ones is exact up to 2^24.

use super::job::{Feed, Fill};
use crate::back::onnx::{self, Weights};
use crate::base::diagnostic::Origin;
use crate::graph::{Builder, Model, Node, NodeId, NodeSpec};
use crate::ops::attributes::{Attribute, Attributes};
use crate::ops::layer::OPSET;
use crate::ops::rules::{Arithmetic, At, Class, OpKind, SlotRole, Tap, Window, Work};
use crate::tensor::{DType, Shape, TensorType};

/// A node whose multiply-accumulates can be counted.
pub(super) struct Countable {
    pub(super) node: NodeId,
    /// Its multiply-accumulates, as predicted.
    pub(super) macs: u64,
    /// A model that counts all of them.
    pub(super) nominal: OneNode,
    /// The node as it is, where it leaves some out.
    pub(super) effective: Option<OneNode>,
}

/// A model of one node, and what goes into it.
pub(super) struct OneNode {
    pub(super) model: Vec<u8>,
    pub(super) feeds: Vec<Feed>,
}

/// What can be said of the node's multiply-accumulates by running it alone.
pub(super) enum Counting {
    /// It has none.
    None,
    /// They can be counted.
    Countable(Box<Countable>),
    /// They cannot, and why.
    Not(String),
}

/// Asks one node.
pub(super) fn of(model: &Model, id: NodeId) -> Counting {
    let node = &model.nodes[id];
    let arithmetic = match model.at(id, |op, at| op.work(at)) {
        Work::Counted(arithmetic) if arithmetic.macs > 0 && !node.constant => arithmetic,
        Work::Runs(_) => return Counting::Not("it runs graphs of its own".into()),
        Work::Unmodelled(why) => return Counting::Not(why),
        Work::Counted(_) | Work::Free | Work::Uncounted(..) => return Counting::None,
    };
    match pair(model, id, &arithmetic) {
        Ok((nominal, effective)) => {
            Counting::Countable(Box::new(Countable { node: id, macs: arithmetic.macs, nominal, effective }))
        }
        Err(why) => Counting::Not(why),
    }
}

/// An input of a one-node model: its position, and its sizes.
type Operand = (usize, Vec<u64>);

fn pair(model: &Model, id: NodeId, arithmetic: &Arithmetic) -> Result<(OneNode, Option<OneNode>), String> {
    let node = &model.nodes[id];
    if !node.kind.domain.is_empty() {
        return Err("it is none of ONNX's own operators".into());
    }
    let operands = operands(model, node)?;
    // Factors that would scale the sum.
    let plain = without(&node.attributes, &["alpha", "beta"]);
    let own = |attributes: Attributes| one(node.kind, &operands, attributes);
    match arithmetic.class {
        Class::Convolution => {
            let Window::Local(taps) = model.at(id, |op, at| op.window(at)) else {
                return Err("its window is not known".into());
            };
            let output = model.at(id, |_, at: &At| at.output(0).and_then(|t| t.shape.sizes()));
            let padded = padded(&operands, &taps, &output.ok_or("the size of its output is not known")?);
            let padded = padded.ok_or("its input with padding is too large")?;
            let nominal = one(node.kind, &padded, without(&plain, &["pads", "auto_pad"]))?;
            let effective = if padded == operands { None } else { Some(own(plain)?) };
            Ok((nominal, effective))
        }
        // What it computes and then cuts off counts too.
        Class::TransposedConvolution => {
            let cut = ["pads", "auto_pad", "output_shape", "output_padding"];
            let whole = without(&plain, &cut);
            let effective = if whole == plain { None } else { Some(own(plain)?) };
            Ok((own(whole)?, effective))
        }
        Class::Dense | Class::PositionDense | Class::Recurrent | Class::Product => {
            let products = model.at(id, |_, at| at.output_elements(0)).and_then(|n| n.checked_mul(arithmetic.window));
            if products != Some(arithmetic.macs) {
                return Err("it adds parts of a factor up before".into());
            }
            Ok((own(plain)?, None))
        }
        _ => Err("its arithmetic is of another kind".into()),
    }
}

/// The two factors.
fn operands(model: &Model, node: &Node) -> Result<Vec<Operand>, String> {
    let mut operands = Vec::new();
    for (position, id) in node.inputs.iter().enumerate() {
        let Some(id) = *id else { continue };
        match node.kind.slot(position).role {
            SlotRole::Bias => continue,
            SlotRole::Data | SlotRole::Weight => {}
            SlotRole::Norm | SlotRole::Buffer | SlotRole::Steer => return Err("it has more than two factors".into()),
        }
        let sizes = model.values[id].ty.tensor().and_then(|t| t.shape.sizes());
        operands.push((position, sizes.ok_or("the size of a factor is not known")?));
    }
    if operands.len() == 2 && node.outputs.iter().flatten().count() == 1 {
        Ok(operands)
    } else {
        Err("it is not one product of two factors".into())
    }
}

/// The sizes with so much more input that every window lies inside: from the first position that the first output sees to
/// the last one that the last output sees.
fn padded(operands: &[Operand], taps: &[Tap], output: &[u64]) -> Option<Vec<Operand>> {
    let mut padded = operands.to_vec();
    let (_, input) = padded.first_mut()?;
    let spatial = input.get_mut(2..)?;
    if spatial.len() != taps.len() || output.len() != spatial.len() + 2 {
        return None;
    }
    for ((size, tap), steps) in spatial.iter_mut().zip(taps).zip(&output[2..]) {
        let width = u64::try_from(tap.last.checked_sub(tap.first)?).ok()?;
        *size = steps.checked_sub(1)?.checked_mul(tap.num)?.checked_add(width)?.checked_add(1)?;
    }
    Some(padded)
}

fn without(attributes: &Attributes, names: &[&str]) -> Attributes {
    let kept = attributes.iter().filter(|(name, _)| !names.contains(name));
    kept.fold(Attributes::new(), |all, (name, value): (&str, &Attribute)| all.with(name, value.clone()))
}

fn one(kind: &'static OpKind, operands: &[Operand], attributes: Attributes) -> Result<OneNode, String> {
    let mut builder = Builder::new();
    let mut feeds = Vec::new();
    let mut inputs = Vec::new();
    for (position, sizes) in operands {
        let name = format!("x{position}");
        inputs.resize(*position, None);
        inputs.push(Some(builder.input(&name, TensorType::new(DType::F32, Shape::known(sizes)).into())));
        feeds.push(Feed { name, dtype: DType::F32.name().into(), dims: sizes.clone(), fill: Fill::Ones });
    }
    let (id, added) = builder.add(NodeSpec {
        name: "node".into(),
        kind,
        op_type: kind.name.into(),
        attributes,
        opset: OPSET,
        inputs,
        outputs: vec!["y".into()],
        open: None,
        bodies: Vec::new(),
        group: "node".into(),
        scope: "".into(),
        origin: Origin::File,
    });
    added.map_err(|error| error.message)?;
    if let Some(Some(output)) = builder.node(id).outputs.first().copied() {
        builder.output(output);
    }
    let model = builder.finish("one".into(), Vec::new());
    let refused = |list: Vec<onnx::Refused>| list.into_iter().next().map_or_else(String::new, |refused| refused.why);
    let mut bytes = Vec::new();
    let message = onnx::encode(&model, Weights::Zero).map_err(refused)?;
    message.write(&mut bytes).map_err(|error| error.to_string())?;
    Ok(OneNode { model: bytes, feeds })
}

/// A product of two square matrices: how fast the machine multiplies. Its multiply-accumulates, too.
pub(super) fn product(size: u64) -> Result<(OneNode, u64), String> {
    let kind = crate::ops::find("", "MatMul").ok_or("there is no matrix product")?;
    let macs = size.checked_pow(3).ok_or("the matrix is too large")?;
    let sides = [(0, vec![size, size]), (1, vec![size, size])];
    Ok((one(kind, &sides, Attributes::new())?, macs))
}
