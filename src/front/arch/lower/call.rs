//! Calls of blocks: values for parameters, and the inside.

use super::super::ast::{Arg, Param, Spanned};
use super::super::name::{modifier, suggest};
use super::super::resolve::{Block, BlockId};
use super::Lowering;
use super::bind::{Extras, once, share_key, times};
use super::eval::{Fault, wrong_kind};
use super::scope::{Frame, Line};
use super::value::Value;
use crate::base::diagnostic::{Diagnostic, Origin};
use crate::base::source::Span;

/// A call of a block, bound.
pub(super) struct BlockCall<'a> {
    pub id: BlockId,
    pub block: &'a Block,
    /// Values of parameters by their place; `None` for one that takes its default.
    pub values: Vec<Option<Value<'a>>>,
    pub extras: Extras<'a>,
    /// Whether something on the line was wrong.
    pub broken: bool,
}

impl<'a> Lowering<'a> {
    /// Binds a call, reporting what is wrong with it.
    pub(super) fn bind_call(
        &mut self,
        frame: &Frame<'a>,
        id: BlockId,
        args: &'a [Spanned<Arg>],
        span: Span,
    ) -> Option<BlockCall<'a>> {
        let doc = self.doc;
        let block = doc.modules.get(id.module)?.blocks.get(id.block)?;
        let values = block.params.iter().map(|_| None).collect();
        let mut call = BlockCall { id, block, values, extras: Extras::none(), broken: doc.recursive.contains(&id) };
        let mut positional: Vec<Value<'a>> = Vec::new();
        let mut repeated = false;
        for arg in args {
            if let Err(fault) = self.bind_param(frame, &mut call, &mut positional, &mut repeated, arg) {
                call.broken = true;
                self.blame(frame, fault);
            }
        }
        if call.broken {
            return Some(call);
        }
        if let Err(fault) = fill(&mut call, positional, span) {
            call.broken = true;
            self.blame(frame, fault);
        }
        Some(call)
    }

    fn bind_param(
        &self,
        frame: &Frame<'a>,
        call: &mut BlockCall<'a>,
        positional: &mut Vec<Value<'a>>,
        repeated: &mut bool,
        arg: &'a Spanned<Arg>,
    ) -> Result<(), Fault> {
        let span = arg.span;
        let name = call.block.name.node.as_str();
        let error = |code, message: String| Diagnostic::error(code, Origin::Text(span), message);
        match &arg.node {
            Arg::Value(expr) => match self.eval(frame, expr, span)? {
                Value::Word("frozen") => once(std::mem::replace(&mut call.extras.frozen, true), "`frozen`", span),
                Value::Word(word) => {
                    let Some(modifier) = modifier(word) else {
                        let message = format!("`{word}` is not something `{name}` understands");
                        return Err(error("unknown-word", message)
                            .help(format!("give it to a parameter, as in `{name} key={word}`"))
                            .into());
                    };
                    call.extras.modifiers.push(modifier);
                    Ok(())
                }
                value => {
                    positional.push(value);
                    Ok(())
                }
            },
            Arg::Stride(expr) => {
                let Some(place) = call.block.params.iter().position(|p| p.stride) else {
                    let message = format!("`{name}` has no stride");
                    return Err(error("no-stride", message)
                        .help(format!("declare one, as in `block {name}(/s = 1)`"))
                        .into());
                };
                let value = match self.eval(frame, expr, span)? {
                    value @ (Value::Number(_) | Value::Sizes(_)) => value,
                    other => return Err(wrong_kind(&other, "a stride", span)),
                };
                set(call, place, value, span)
            }
            Arg::Repeat(n) => {
                call.extras.times = times(*n, span)?;
                once(std::mem::replace(repeated, true), "a repetition", span)
            }
            Arg::Named { key, value } if key.node == "share" => {
                once(call.extras.share.replace(share_key(value)?).is_some(), "`share`", span)
            }
            Arg::Named { key, value } => {
                let Some(place) = call.block.params.iter().position(|p| p.name.node == key.node) else {
                    let message = format!("`{name}` has no parameter `{}`", key.node);
                    let error = Diagnostic::error("unknown-option", Origin::Text(key.span), message);
                    let params: Vec<&str> = call.block.params.iter().map(|p| p.name.node.as_str()).collect();
                    let error = match params.as_slice() {
                        [] => error.note("it takes none"),
                        params => error.note(format!("it takes {}", params.join(", "))),
                    };
                    return Err(suggest(error, &key.node, key.span, params).into());
                };
                let value = self.eval_at(frame, value)?;
                set(call, place, value, span)
            }
            Arg::GluedSlash { .. } => Err(Fault::Silent),
        }
    }

    /// The parameters of a call as variables of the inside; defaults are evaluated there.
    pub(super) fn parameters(&mut self, inside: &mut Frame<'a>, call: &BlockCall<'a>) {
        for (param, value) in call.block.params.iter().zip(&call.values) {
            let value = match (value, &param.default) {
                (Some(value), _) => value.clone(),
                (None, Some(default)) => self.eval_at(inside, default).unwrap_or_else(|fault| {
                    self.blame(inside, fault);
                    Value::Lost
                }),
                (None, None) => Value::Lost,
            };
            inside.vars.push((&param.name.node, value));
        }
    }

    /// Expands the inside of a block on a line.
    pub(super) fn inside(&mut self, frame: &mut Frame<'a>, call: &BlockCall<'a>, line: &Line) {
        let top = self.top(call.id.module);
        let inside = Frame::new(call.id.module, top, Some(&call.block.numbered));
        let mut inside = Frame::block(frame, line, inside);
        self.parameters(&mut inside, call);
        self.body(&mut inside, &call.block.body);
        frame.flow = inside.flow;
    }
}

/// Gives a parameter its value.
fn set<'a>(call: &mut BlockCall<'a>, place: usize, value: Value<'a>, span: Span) -> Result<(), Fault> {
    let name = call.block.params.get(place).map_or("", |p| p.name.node.as_str());
    match call.values.get_mut(place) {
        Some(slot) => once(slot.replace(value).is_some(), &format!("`{name}`"), span),
        None => Ok(()),
    }
}

/// Puts values without a key into the parameters that are left, in order. `/s` is filled by a stride or by its key only.
fn fill<'a>(call: &mut BlockCall<'a>, positional: Vec<Value<'a>>, span: Span) -> Result<(), Fault> {
    let block = call.block;
    let given = positional.len();
    let open = |call: &BlockCall, place: usize, param: &Param| {
        !param.stride && call.values.get(place).is_some_and(Option::is_none)
    };
    let mut rest = positional.into_iter();
    for (place, param) in block.params.iter().enumerate() {
        if !open(call, place, param) {
            continue;
        }
        let Some(value) = rest.next() else { break };
        call.values[place] = Some(value);
    }
    let too_many = rest.count();
    let name = block.name.node.as_str();
    let all: Vec<&str> = block.params.iter().filter(|p| !p.stride).map(|p| p.name.node.as_str()).collect();
    let missing = block.params.iter().zip(&call.values).filter(|(p, v)| v.is_none() && p.default.is_none());
    let missing: Vec<&str> = missing.map(|(p, _)| p.name.node.as_str()).collect();
    let values = |n: usize| if n == 1 { "1 value".to_owned() } else { format!("{n} values") };
    let message = if too_many > 0 {
        let takes = if all.is_empty() {
            "takes no values".into()
        } else {
            format!("takes {}: {}", values(all.len()), all.join(" "))
        };
        format!("`{name}` {takes}, but {given} are given")
    } else if missing.is_empty() {
        return Ok(());
    } else {
        let verb = if missing.len() == 1 { "is" } else { "are" };
        format!("`{name}` needs {}; `{}` {verb} missing", all.join(" "), missing.join("`, `"))
    };
    let error = Diagnostic::error("block-arity", Origin::Text(span), message);
    let help = match missing.first() {
        Some(first) if too_many == 0 => format!("add it, in order or by name as in `{first}=8`"),
        _ => "leave the others out, or add parameters to the block".into(),
    };
    let error = error.help(help);
    Err(error
        .label(format!("{} given here", values(given)))
        .other(block.name.span, "the block is declared here")
        .into())
}
