//! Sums written out with the numbers put in, as on a board: parameters, multiply-accumulates, memory.
//!
//! A product is written from the shapes of what is stored and of what comes out, and shown only if it comes to the figure
//! that the operator itself gives; otherwise the figure stands alone.

use super::memory::onnxruntime::{self, Peak, Unplanned};
use super::{Sizing, memory};
use crate::base::quantity::{AtLeast, Bytes, Quantity};
use crate::graph::{NodeId, Role, ValueId};
use crate::ops::rules::Work;

/// A sum: its terms, and what they come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// What is added.
    pub terms: Vec<Term>,
    /// What it comes to.
    pub total: AtLeast<u64>,
}

/// One term of a sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Whose it is: a layer, `input`, `parameters`.
    pub name: String,
    /// How it comes about: `(3·3·3 + 1)·100`. Empty when only the figure is known.
    pub written: String,
    /// What it comes to.
    pub amount: AtLeast<u64>,
}

impl Board {
    fn of(terms: Vec<Term>) -> Board {
        let total = terms.iter().map(|term| term.amount).sum();
        Board { terms, total }
    }
}

/// A product of sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Product(Vec<u64>);

impl Product {
    fn amount(&self) -> Option<u64> {
        self.0.iter().try_fold(1u64, |product, n| product.checked_mul(*n))
    }

    fn written(&self) -> String {
        if self.0.is_empty() { "1".into() } else { self.0.iter().map(u64::to_string).collect::<Vec<_>>().join("·") }
    }
}

impl Sizing<'_> {
    /// The nodes of a layer: of a label, a line or a block of this name, or the node itself; all of them for `None`.
    pub fn nodes_of(&self, layer: Option<&str>) -> Vec<NodeId> {
        let Some(layer) = layer else { return self.model.main.nodes.clone() };
        if let Some(label) = self.model.labels.iter().find(|label| *label.name == *layer) {
            return label.nodes.clone();
        }
        let inside = |name: &str| name == layer || name.strip_prefix(layer).is_some_and(|rest| rest.starts_with('.'));
        let nodes = self.model.main.nodes.iter().copied();
        nodes
            .filter(|id| {
                let node = &self.model.nodes[*id];
                inside(&node.name) || inside(&node.group) || inside(&node.scope)
            })
            .collect()
    }

    /// Learned values, each where it is first used.
    pub fn parameters_written(&self, nodes: &[NodeId]) -> Board {
        let mut seen = Vec::new();
        let mut terms = Vec::new();
        for id in &self.model.main.nodes {
            let fresh: Vec<ValueId> =
                self.model.nodes[*id].inputs.iter().flatten().copied().filter(|v| !seen.contains(v)).collect();
            seen.extend(fresh.iter().copied().filter(|v| self.model.values[*v].stored().is_some()));
            let amount = self.params.first_used_by(*id).parameters();
            if !nodes.contains(id) || amount == AtLeast::default() {
                continue;
            }
            let amount = plain(amount);
            let written = self.stored_written(*id, &fresh).filter(|(_, n)| amount == AtLeast::exact(*n));
            let name = self.model.nodes[*id].name.to_string();
            terms.push(Term { name, written: written.map_or_else(String::new, |(text, _)| text), amount });
        }
        Board::of(terms)
    }

    /// Multiply-accumulates for one example.
    pub fn macs_written(&self, nodes: &[NodeId]) -> Board {
        let term = |id: &NodeId| {
            let all = plain(self.work.nodes[id.index()].macs);
            let divides = all.least.is_multiple_of(self.batch.max(1));
            let amount = AtLeast { least: all.least / self.batch.max(1), incomplete: all.incomplete || !divides };
            let written = self.products_written(*id, amount.least).unwrap_or_default();
            Term { name: self.model.nodes[*id].name.to_string(), written, amount }
        };
        Board::of(nodes.iter().map(term).filter(|t| t.amount != AtLeast::default()).collect())
    }

    /// Memory of a forward pass: the values alive at once where their sum is largest, and what is stored.
    pub fn inference_written(&self) -> Board {
        let alive = memory::alive_at_overwriting_peak(self.model);
        Board::of(alive.into_iter().map(|v| self.value_written(v)).chain([self.stored_bytes_written()]).collect())
    }

    /// The textbook's sum for training: every layer's output, the input, and what is stored.
    pub fn training_written(&self) -> Board {
        let outputs = self.model.main.nodes.iter().filter(|id| self.activations.bytes_of(**id) != AtLeast::default());
        let outputs = outputs.flat_map(|id| self.model.nodes[*id].outputs.iter().flatten());
        let values = outputs.chain(&self.model.main.inputs).map(|v| self.value_written(*v));
        Board::of(values.chain([self.stored_bytes_written()]).collect())
    }

    /// What a session of ONNX Runtime holds at most, in its first run and in later ones.
    pub fn onnxruntime_written(&self) -> Result<[Board; 2], Unplanned> {
        let plan = onnxruntime::plan(self.model, 1)?;
        let written = |peak: Peak, values: &str| {
            let parts = [(values, peak.values), ("outputs", peak.outputs), ("scratch", peak.scratch)];
            let held = parts.into_iter().filter(|(_, bytes)| *bytes > Bytes::ZERO);
            let term = |(name, bytes): (&str, Bytes)| Term {
                name: name.to_owned(),
                written: String::new(),
                amount: AtLeast::exact(bytes.0),
            };
            Board::of(held.map(term).collect())
        };
        Ok([written(plan.first, "values alive"), written(plan.steady, "block of all values")])
    }

    /// `50·100·100·150·4`: examples, sizes, bytes of a value.
    fn value_written(&self, id: ValueId) -> Term {
        let value = &self.model.values[id];
        let amount = plain(memory::bytes(self.model, id));
        let product = value.ty.tensor().and_then(|tensor| {
            let mut sizes = tensor.shape.sizes()?;
            let product = Product(sizes.clone()).amount().filter(|n| *n > 0)?;
            sizes.push(amount.least.checked_div(product)?);
            Some(Product(sizes))
        });
        let written = product.filter(|p| p.amount() == Some(amount.least)).map(|p| p.written());
        let name = match value.producer() {
            Some((node, _)) => self.model.nodes[node].name.to_string(),
            None => value.name.to_string(),
        };
        Term { name, written: written.unwrap_or_default(), amount }
    }

    fn stored_bytes_written(&self) -> Term {
        let stored = &self.params.total;
        let amount = plain(stored.parameter_bytes.plus(stored.buffer_bytes));
        let (parameters, buffers) = (stored.parameters().least.count(), stored.buffers.least.count());
        let values = parameters.saturating_add(buffers);
        let width = amount.least.checked_div(values).unwrap_or(0);
        let written = if values.checked_mul(width) != Some(amount.least) {
            String::new()
        } else if buffers > 0 {
            format!("({parameters} + {buffers})·{width}")
        } else {
            format!("{parameters}·{width}")
        };
        let name = if buffers > 0 { "parameters and running statistics" } else { "parameters" };
        Term { name: name.into(), written, amount }
    }

    /// `(3·3·3 + 1)·100` for a kernel with a bias, `2·64` for a norm, and what it comes to.
    fn stored_written(&self, id: NodeId, values: &[ValueId]) -> Option<(String, u64)> {
        let learned = |v: &&ValueId| self.model.values[**v].stored().is_some_and(|s| s.role.is_parameter());
        let mut products: Vec<Product> = Vec::new();
        let mut biases: Vec<Product> = Vec::new();
        for value in values.iter().filter(learned) {
            let product = self.stored_product(id, *value)?;
            let is_bias = self.model.values[*value].stored().is_some_and(|s| s.role == Role::Bias);
            if is_bias { biases.push(product) } else { products.push(product) }
        }
        if let ([kernel], [bias]) = (products.as_slice(), biases.as_slice())
            && let Some(written) = with_bias(kernel, bias)
        {
            return Some(written);
        }
        products.append(&mut biases);
        let total = products.iter().try_fold(0u64, |sum, p| sum.checked_add(p.amount()?))?;
        let written = match products.as_slice() {
            [] => return None,
            [first, rest @ ..] if !rest.is_empty() && rest.iter().all(|p| p == first) => {
                format!("{}·{}", products.len(), first.written())
            }
            all => all.iter().map(Product::written).collect::<Vec<_>>().join(" + "),
        };
        Some((written, total))
    }

    /// Sizes of a stored value in the order in which they are said: kernel, channels, filters; inputs, outputs.
    fn stored_product(&self, id: NodeId, value: ValueId) -> Option<Product> {
        let mut sizes = self.model.values[value].ty.tensor()?.shape.sizes()?;
        match sizes.len() {
            0 | 1 => {}
            2 => {
                let width = self.model.at(id, |_, at| at.output(0).and_then(|t| t.shape.dims()?.last()?.size()));
                if sizes.first().copied() == width {
                    sizes.swap(0, 1);
                }
            }
            rank => {
                sizes.rotate_left(2);
                sizes.swap(rank - 1, rank - 2);
            }
        }
        Some(Product(sizes))
    }

    /// `3·3·3·100 · 100·150`: what is stored, as often as it is used.
    fn products_written(&self, id: NodeId, macs: u64) -> Option<String> {
        let node = &self.model.nodes[id];
        let kernel = node.inputs.iter().flatten().find(|v| {
            let value = &self.model.values[**v];
            value.stored().is_some_and(|s| s.role == Role::Weight)
        });
        let spatial = |sizes: Option<Vec<u64>>| sizes.map(|s| Product(s.into_iter().skip(2).collect()));
        let (output, input, window) = self.model.at(id, |op, at| {
            let window = match op.work(at) {
                Work::Counted(arithmetic) => Some(arithmetic.window),
                Work::Free | Work::Runs(_) | Work::Uncounted(..) | Work::Unmodelled(_) => None,
            };
            let input = at.tensor(0).and_then(|t| t.shape.sizes());
            (at.output(0).and_then(|t| t.shape.sizes()), input, window)
        });
        if let Some(kernel) = kernel.and_then(|v| self.stored_product(id, *v)) {
            // Kernels that slide over the output, or (transposed) over the input.
            for positions in [spatial(output.clone()), spatial(input)].into_iter().flatten() {
                if kernel.amount()?.checked_mul(positions.amount()?) == Some(macs) {
                    let slides = !positions.0.is_empty();
                    return Some(if slides {
                        format!("{} · {}", kernel.written(), positions.written())
                    } else {
                        kernel.written()
                    });
                }
            }
        }
        let positions = Product(output?.into_iter().skip(1).collect());
        let window = window.filter(|w| positions.amount().and_then(|n| n.checked_mul(*w)) == Some(macs))?;
        Some(format!("{window} · {}", positions.written()))
    }
}

/// `(3·3·3 + 1)·100`, where the bias has one value for each of the kernel's last or last but one size.
fn with_bias(kernel: &Product, bias: &Product) -> Option<(String, u64)> {
    let [filters] = bias.0.as_slice() else { return None };
    let place = kernel.0.iter().rposition(|n| n == filters)?;
    let mut each = kernel.0.clone();
    each.remove(place);
    let each = Product(each);
    let amount = each.amount()?.checked_add(1)?.checked_mul(*filters)?;
    Some((format!("({} + 1)·{filters}", each.written()), amount))
}

fn plain<Q: Quantity>(amount: AtLeast<Q>) -> AtLeast<u64> {
    AtLeast { least: amount.least.count(), incomplete: amount.incomplete }
}
