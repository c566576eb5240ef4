//! What everything else stands on and that knows nothing about networks: ids, texts and places, findings,
//! checked quantities, suggestions, limits.

pub mod arena;
pub mod diagnostic;
pub mod limits;
pub mod quantity;
pub mod source;
pub mod suggest;
