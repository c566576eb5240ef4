//! Counting multiply-accumulates by running: in a model of one node, without a bias, with ones for every input, each
//! element of the output *is* the number of products that were summed for it, and all of them together are the node's
//! multiply-accumulates.
//!
//! Zeros that a convolution puts around its input are counted by the nominal figure and not by this sum, so the node runs
//! twice: with ones where the zeros would be, and as it is. In 32-bit floats a sum of ones is exact up to 2^24.
//!
//! A fused activation function becomes one that leaves what is positive as it is. Scales are 1 and zero points 0; where
//! results have 8 bits, scales are a power of two below 1 that makes the sums fit, and so is what is read off.

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
    /// How many products one in the sum of its output stands for.
    pub(super) each: u64,
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

/// An input of a one-node model.
#[derive(Clone, PartialEq)]
struct Operand {
    position: usize,
    dtype: DType,
    sizes: Vec<u64>,
    fill: Fill,
}

fn pair(model: &Model, id: NodeId, arithmetic: &Arithmetic) -> Result<(OneNode, Option<OneNode>), String> {
    let node = &model.nodes[id];
    let output = model.at(id, |_, at: &At| at.output(0).and_then(|t| Some((t.dtype?, t.shape.sizes()?))));
    let (dtype, output) = output.ok_or("the size or type of its output is not known")?;
    let each = each(dtype, arithmetic.macs, &output)?;
    let operands = operands(model, node, each)?;
    // Factors that would scale the sum.
    let mut plain = without(&node.attributes, &["alpha", "beta", "activation", "activation_params"]);
    if node.attributes.get("activation").is_some() {
        plain = plain.with("activation", Attribute::String("Relu".into()));
    }
    let own = |attributes: Attributes| one(node.kind, &operands, attributes, each);
    match arithmetic.class {
        Class::Convolution => {
            let Window::Local(taps) = model.at(id, |op, at| op.window(at)) else {
                return Err("its window is not known".into());
            };
            let padded = padded(&operands, &taps, &output).ok_or("its input with padding is too large")?;
            let nominal = one(node.kind, &padded, without(&plain, &["pads", "auto_pad"]), each)?;
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

/// How many products one in an output of this type must stand for, so that their sums fit: a power of two that divides
/// them.
fn each(dtype: DType, macs: u64, output: &[u64]) -> Result<u64, String> {
    let most = match dtype {
        DType::U8 => 254,
        DType::I8 => 126,
        _ => return Ok(1),
    };
    let outputs = output.iter().try_fold(1u64, |p, n| p.checked_mul(*n));
    let sum = outputs.and_then(|outputs| macs.checked_div(outputs)).ok_or("its output is empty or too large")?;
    let mut each = 1u64;
    while sum / each > most {
        each = each.checked_mul(2).ok_or("its sums are too large")?;
    }
    if sum.is_multiple_of(each) { Ok(each) } else { Err(format!("sums of {sum} products do not fit into 8 bits")) }
}

/// The two factors, and what scales them.
fn operands(model: &Model, node: &Node, each: u64) -> Result<Vec<Operand>, String> {
    let (mut operands, mut factors) = (Vec::new(), 0);
    for (position, id) in node.inputs.iter().enumerate() {
        let Some(id) = *id else { continue };
        let role = node.kind.slot(position).role;
        // A third tensor is added, as a bias is.
        let is_factor = matches!(role, SlotRole::Data | SlotRole::Weight);
        if role == SlotRole::Bias || (is_factor && factors == 2) {
            continue;
        }
        let tensor = model.values[id].ty.tensor().and_then(|t| Some((t.dtype?, t.shape.sizes()?)));
        let (dtype, sizes) = tensor.ok_or("the size or type of a factor is not known")?;
        let dtype = if dtype.is_integer() { dtype } else { DType::F32 };
        let fill = match role {
            _ if is_factor => {
                factors += 1;
                Fill::Ones
            }
            SlotRole::Steer if dtype == DType::F32 => Fill::Floats(vec![scale(each); length(&sizes)?]),
            SlotRole::Steer => Fill::Any,
            _ => return Err("it has more than two factors".into()),
        };
        operands.push(Operand { position, dtype, sizes, fill });
    }
    if factors == 2 && node.outputs.iter().flatten().count() == 1 {
        Ok(operands)
    } else {
        Err("it is not one product of two factors".into())
    }
}

/// Two scales over a third one are this one again.
fn scale(each: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a power of two is exact")]
    let each = each as f64;
    1.0 / each
}

fn length(sizes: &[u64]) -> Result<usize, String> {
    let length = sizes.iter().try_fold(1usize, |p, n| p.checked_mul(usize::try_from(*n).ok()?));
    length.ok_or_else(|| "it has too many scales".into())
}

/// The sizes with so much more input that every window lies inside: from the first position that the first output sees to
/// the last one that the last output sees.
fn padded(operands: &[Operand], taps: &[Tap], output: &[u64]) -> Option<Vec<Operand>> {
    let mut padded = operands.to_vec();
    let spatial = padded.first_mut()?.sizes.get_mut(2..)?;
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

fn one(kind: &'static OpKind, operands: &[Operand], attributes: Attributes, each: u64) -> Result<OneNode, String> {
    let mut builder = Builder::new();
    let mut feeds = Vec::new();
    let mut inputs = Vec::new();
    for Operand { position, dtype, sizes, fill } in operands {
        let name = format!("x{position}");
        inputs.resize(*position, None);
        inputs.push(Some(builder.input(&name, TensorType::new(*dtype, Shape::known(sizes)).into())));
        feeds.push(Feed { name, dtype: dtype.name().into(), dims: sizes.clone(), fill: fill.clone() });
    }
    let (id, added) = builder.add(NodeSpec {
        name: "node".into(),
        kind,
        op_type: kind.name.into(),
        attributes,
        opset: if kind.domain.is_empty() { OPSET } else { 1 },
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
    let message = onnx::encode_as_is(&model, Weights::Zero).map_err(refused)?;
    message.write(&mut bytes).map_err(|error| error.to_string())?;
    Ok(OneNode { model: bytes, feeds, each })
}

/// A product of two square matrices: how fast the machine multiplies. Its multiply-accumulates, too.
pub(super) fn product(size: u64) -> Result<(OneNode, u64), String> {
    let kind = crate::ops::find("", "MatMul").ok_or("there is no matrix product")?;
    let macs = size.checked_pow(3).ok_or("the matrix is too large")?;
    let side = |position| Operand { position, dtype: DType::F32, sizes: vec![size, size], fill: Fill::Ones };
    Ok((one(kind, &[side(0), side(1)], Attributes::new(), 1)?, macs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_that_end_at_8_bits_are_read_in_powers_of_two() {
        // 3x3 windows of 64 channels: 576 = 4 · 144.
        assert_eq!(each(DType::U8, 576 * 10, &[2, 5]), Ok(4));
        assert_eq!(each(DType::U8, 254 * 10, &[2, 5]), Ok(1));
        assert_eq!(each(DType::I8, 255 * 10, &[2, 5]), Err("sums of 255 products do not fit into 8 bits".into()));
        assert_eq!(each(DType::F32, 5_760_000 * 10, &[2, 5]), Ok(1));
    }
}
