//! Operators of our own domain that ONNX's say in several steps. A file that we write holds such a definition as a
//! function, so that every runtime can run it; we ourselves read the call as the one operator that it is.

/// An operator as a function of standard ones.
#[derive(Debug)]
pub struct Definition {
    /// The operator, in [`super::OWN_DOMAIN`].
    pub name: &'static str,
    /// Names of what goes in.
    pub inputs: &'static [&'static str],
    /// Names of its attributes.
    pub attributes: &'static [&'static str],
    /// What it does, in running order; the last one delivers.
    pub lines: &'static [Line],
}

/// A standard operator inside a definition.
#[derive(Debug)]
pub struct Line {
    /// The operator.
    pub op: &'static str,
    /// Names of what it reads.
    pub inputs: &'static [&'static str],
    /// The name of what it makes.
    pub output: &'static str,
    /// Its attribute, and the attribute of the call that it is, if it has one.
    pub attribute: Option<(&'static str, &'static str)>,
}
