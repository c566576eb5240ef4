//! Operators that the file defines itself, as graphs of others: put in place of their calls.

use super::convert::{Converter, Frame, Meaning, Opsets};
use super::proto::{AttributeProto, FunctionProto, NodeProto};
use super::{Outcome, shown, text, undecodable};
use crate::base::diagnostic::Diagnostic;
use crate::base::limits;
use crate::graph::ValueId;
use foldhash::{HashMap, HashMapExt};
use prost::Message;
use prost::bytes::Bytes;
use std::rc::Rc;

/// Domain, name and overload.
type Key = (Bytes, Bytes, Bytes);

/// Every function of a file.
#[derive(Default)]
pub(super) struct Functions(HashMap<Key, Rc<FunctionProto>>);

impl Functions {
    pub(super) fn decode(all: &[Bytes]) -> Outcome<Functions> {
        let mut functions = HashMap::new();
        for bytes in all {
            let function = FunctionProto::decode(bytes.clone()).map_err(|e| undecodable(&e))?;
            let key = (function.domain.clone(), function.name.clone(), function.overload.clone());
            functions.insert(key, Rc::new(function));
        }
        Ok(Functions(functions))
    }

    /// The function that a node calls, if it calls one.
    pub(super) fn called(&self, node: &NodeProto) -> Option<Rc<FunctionProto>> {
        if self.0.is_empty() {
            return None;
        }
        let key = (node.domain.clone(), node.op_type.clone(), node.overload.clone());
        self.0.get(&key).cloned()
    }
}

impl Converter<'_> {
    /// Puts a function's nodes in place of its call. What the call delivers keeps its name; everything inside is named
    /// after the call.
    pub(super) fn call(&mut self, node: &NodeProto, index: usize, function: &FunctionProto) -> Outcome<()> {
        let call = self.node_name(node);
        if self.frames.len() > limits::ONNX_CALLS {
            let message = format!("functions call one another more than {} deep", limits::ONNX_CALLS);
            let error = Diagnostic::error("function-depth", self.origin(&call, index), message);
            return Err(error.note(format!("the innermost is `{}`", shown(&text(&function.name)))).into());
        }
        if node.input.len() > function.input.len() || node.output.len() > function.output.len() {
            let message = format!(
                "a call with {} inputs and {} outputs of the function `{}`, which has {} and {}",
                node.input.len(),
                node.output.len(),
                shown(&text(&function.name)),
                function.input.len(),
                function.output.len()
            );
            return Err(Diagnostic::error("invalid-node", self.origin(&call, index), message).into());
        }
        let mut names = HashMap::new();
        for (i, name) in function.input.iter().enumerate() {
            let given = node.input.get(i).filter(|n| !n.is_empty()).and_then(|n| self.lookup(n));
            names.insert(name.clone(), given.unwrap_or(Meaning::LeftOut));
        }
        let outside = |i: usize| node.output.get(i).filter(|n| !n.is_empty());
        let delivered = function.output.iter().enumerate();
        let delivered = delivered.filter_map(|(i, n)| outside(i).map(|o| (n.clone(), self.value_name(o)))).collect();
        let frame = Frame {
            scopes: vec![names],
            prefix: Some(call.clone()),
            attributes: self.arguments(&node.attribute, function),
            opsets: Rc::new(Opsets::new(&function.opset_import)),
            delivered,
            index: Some(self.index(index)),
        };
        self.frames.push(frame);
        self.nodes(&function.node)?;
        let made: Vec<Option<ValueId>> =
            function.output.iter().map(|name| self.lookup(name).and_then(Meaning::value)).collect();
        self.frames.pop();
        for (i, (name, made)) in function.output.iter().zip(made).enumerate() {
            let Some(outer) = node.output.get(i).filter(|n| !n.is_empty()) else { continue };
            let Some(made) = made else {
                let message = format!("`{}` is delivered by the function, and nothing makes it", shown(&text(name)));
                return Err(Diagnostic::error("undefined-name", self.origin(&call, index), message).into());
            };
            self.deliver(outer, made, index)?;
        }
        Ok(())
    }

    /// Attributes inside the function: those of the call, and defaults.
    fn arguments(&self, given: &[AttributeProto], function: &FunctionProto) -> HashMap<Bytes, AttributeProto> {
        let given = given.iter().filter_map(|a| self.resolve(a.clone()));
        function.attribute_proto.iter().cloned().chain(given).map(|a| (a.name.clone(), a)).collect()
    }
}
