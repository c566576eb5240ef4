//! Which values can live in the same memory: a view is its input under another shape, and an activation function may
//! overwrite a value that nobody reads afterwards.

use super::{Block, bytes};
use crate::base::quantity::{AtLeast, Bytes};
use crate::graph::{Lifetime, Model, ValueId};
use crate::ops::rules::Storage;

/// The activations of the network, those that share memory as one block, each with the first value in it.
pub(super) fn overwriting(model: &Model, lives: &[Option<Lifetime>]) -> (Vec<Block>, Vec<ValueId>) {
    let most = model.main.inputs.len() + model.main.nodes.len();
    let (mut blocks, mut first): (Vec<Block>, Vec<ValueId>) = (Vec::with_capacity(most), Vec::with_capacity(most));
    // The block that a value lives in.
    let mut block_of: Vec<Option<usize>> = vec![None; model.values.len()];
    for input in &model.main.inputs {
        if let Some(life) = lives[input.index()] {
            block_of[input.index()] = Some(blocks.len());
            blocks.push(Block { life, bytes: bytes(model, *input) });
            first.push(*input);
        }
    }
    for (step, id) in model.main.nodes.iter().enumerate() {
        let node = &model.nodes[*id];
        let source = node.inputs.first().copied().flatten().and_then(|v| block_of[v.index()]);
        for (position, output) in node.outputs.iter().enumerate() {
            let Some(output) = output else { continue };
            let Some(life) = lives[output.index()] else { continue };
            let size = bytes(model, *output);
            let reused = source.filter(|block| {
                position == 0
                    && blocks[*block].bytes == size
                    && match node.kind.storage {
                        Storage::Fresh => false,
                        // Every value in the block must have been read for the last time by this very node.
                        Storage::Overwrites => blocks[*block].life.end <= step,
                        Storage::View => true,
                    }
            });
            let block = reused.unwrap_or_else(|| {
                blocks.push(Block { life, bytes: size });
                first.push(*output);
                blocks.len() - 1
            });
            blocks[block].life.end = blocks[block].life.end.max(life.end);
            block_of[output.index()] = Some(block);
        }
    }
    let takes_any = |block: &Block| block.bytes != AtLeast::exact(Bytes::ZERO);
    let mut takes = blocks.iter().map(takes_any);
    first.retain(|_| takes.next().unwrap_or(false));
    blocks.retain(takes_any);
    (blocks, first)
}
