//! The syntax tree: what the grammar of `grammar/arch.ebnf` says, with a place on everything and no meaning yet.
//! Types are named after the productions.

use crate::base::source::Span;

/// Something with its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    /// The thing.
    pub node: T,
    /// Its place.
    pub span: Span,
}

/// An exact rational number; the denominator is positive and the fraction in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rational {
    /// Numerator.
    pub num: i128,
    /// Denominator, at least 1.
    pub den: i128,
}

/// A name, dots between its parts included.
pub type Name = Spanned<String>;

/// A whole file.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct File {
    /// In order.
    pub items: Vec<Spanned<Top>>,
}

/// What may stand at the top of a file.
#[expect(clippy::large_enum_variant, reason = "statements are nearly all there is")]
#[derive(Clone, Debug, PartialEq)]
pub enum Top {
    /// `arch 1`
    Edition(Spanned<u64>),
    /// `framework keras`
    Framework(Name),
    /// `batch 50`
    Batch(Spanned<u64>),
    /// `precision f16 weights=f32`
    Precision {
        /// For everything.
        all: Name,
        /// `weights=`, `activations=`.
        parts: Vec<(Name, Name)>,
    },
    /// `import a, b from "lib.arch"`
    Import {
        /// Block names.
        names: Vec<Name>,
        /// The path as written.
        path: Spanned<String>,
    },
    /// `default conv 3x3 same`
    Default {
        /// Which layer.
        layer: Name,
        /// Its arguments.
        args: Vec<Spanned<Arg>>,
    },
    /// `block f(a, b = 2, /s = 1) { … }`
    Block {
        /// Its name.
        name: Name,
        /// Its parameters.
        params: Vec<Param>,
        /// Its statements.
        body: Body,
    },
    /// `model NAME { … }`
    Model {
        /// Its name, or the text between the quotes.
        name: Name,
        /// Its statements.
        body: Body,
    },
    /// A statement of the one unnamed model, or a top-level `let`.
    Stmt(Stmt),
}

/// A parameter of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Whether it is the stride slot (`/s`).
    pub stride: bool,
    /// Its name.
    pub name: Name,
    /// Its default.
    pub default: Option<Spanned<Expr>>,
}

/// Statements between braces (or of one branch).
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Body {
    /// In order.
    pub stmts: Vec<Spanned<Stmt>>,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Stmt {
    /// A layer, a block call, `input` or a join, perhaps with a label.
    Layer {
        /// `name:`
        label: Option<Name>,
        /// The line.
        layer: Layer,
    },
    /// `repeat n as i { … } -> 64@8x8`
    Repeat {
        /// How often.
        count: Spanned<Expr>,
        /// The name of the index, which counts from 1.
        index: Option<Name>,
        /// What.
        body: Body,
        /// `-> shape`
        claim: Option<Spanned<Size>>,
    },
    /// `if … { … } else if … { … } else { … } -> …`
    If {
        /// Conditions with their bodies, in order.
        arms: Vec<(Spanned<Expr>, Body)>,
        /// The last `else`.
        otherwise: Option<Body>,
        /// `-> shape`
        claim: Option<Spanned<Size>>,
    },
    /// `frozen { … }`
    Frozen {
        /// What.
        body: Body,
        /// `-> shape`
        claim: Option<Spanned<Size>>,
    },
    /// `side { … }`
    Side(Body),
    /// `from name`
    From(Name),
    /// `output name -> …`
    Output {
        /// Its name.
        name: Option<Name>,
        /// `-> shape`
        claim: Option<Spanned<Size>>,
    },
    /// `let k = 3`
    Let {
        /// The name.
        name: Name,
        /// Its value.
        value: Spanned<Expr>,
    },
    /// `expect …`
    Expect(Expect),
    /// A line that did not parse; its message is among the diagnostics.
    Bad {
        /// Names that the line would have introduced (label, `let`, block, imports), as far as they could be made out:
        /// using one of them is no second mistake.
        names: Vec<Name>,
        /// The shape claimed at its end, if one could be made out: it restores the size.
        claim: Option<Spanned<Size>>,
    },
}

/// A line that makes tensors.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// `input 200x300 rgb`
    Input {
        /// Its size.
        size: Spanned<Size>,
        /// Words behind it: `rgb`, `hwc`.
        words: Vec<Name>,
        /// `-> shape`
        claim: Option<Spanned<Size>>,
    },
    /// `conv 64 3x3 /2 same`, `7x7 conv, 64, /2`, a block call, or a join.
    Call {
        /// The layer or block.
        name: Name,
        /// Arguments in order; a kernel written first is the first of them.
        args: Vec<Spanned<Arg>>,
        /// Branches between braces, for a join.
        branches: Option<Branches>,
        /// `-> shape`
        claim: Option<Spanned<Size>>,
    },
}

/// The branches of a join.
#[derive(Clone, Debug, PartialEq)]
pub struct Branches {
    /// Each after its `|`.
    pub branches: Vec<Spanned<Body>>,
    /// Statements before the first `|`; they are the first of the branches. For a join the parser has reported them
    /// (`missing-bar`); any other layer takes no braces at all.
    pub stray: Option<Span>,
    /// From brace to brace.
    pub span: Span,
}

/// A size as written: `64@112x112`, `3x3`, `128`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Size {
    /// Channels `@` sizes.
    Shape(u64, Vec<u64>),
    /// Sizes without channels.
    Dims(Vec<u64>),
    /// A vector's length.
    Number(u64),
}

/// An argument of a line.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// A bare value: `64`, `3x3`, `relu`, `(2*c)`, `4*c`.
    Value(Expr),
    /// `/2`, `/2x1`, `/s`, `/(a+b)`.
    Stride(Expr),
    /// `x3`.
    Repeat(u64),
    /// `key=value`.
    Named {
        /// The key.
        key: Name,
        /// The value.
        value: Spanned<Expr>,
    },
    /// A slash glued to what stands before it (`c/2`): an error with two remedies.
    GluedSlash {
        /// What stands before.
        left: Box<Spanned<Expr>>,
        /// What stands behind.
        right: Box<Spanned<Expr>>,
    },
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// `64`, `0.75`, `40%` (as 2/5).
    Number(Rational),
    /// `3x3`.
    Dims(Vec<u64>),
    /// `64@8x8`, in arguments only to be refused with a better message than a syntax error.
    Shape(u64, Vec<u64>),
    /// `0:1` or `1:2x0:3`.
    Pads(Vec<(u64, u64)>),
    /// A parameter, `let`, label, word, `in.c`.
    Name(String),
    /// `floor(x)`, `divisible(c/4, 8)`.
    Call(Name, Vec<Spanned<Expr>>),
    /// `(a x b)`.
    Sizes(Box<Spanned<Expr>>, Box<Spanned<Expr>>),
    /// `-x`, `not x`.
    Unary(Unary, Box<Spanned<Expr>>),
    /// `a + b`, `a and b`, `a != b`.
    Binary(Binary, Box<Spanned<Expr>>, Box<Spanned<Expr>>),
    /// `( … )`: kept so that printing gives the text back.
    Paren(Box<Spanned<Expr>>),
}

/// Operators of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// `-`
    Minus,
    /// `not`
    Not,
}

/// Operators of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `/`
    Divide,
}

/// `expect quantity [op] value [unit] [± tolerance] [at …] ["source"]`
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// What is claimed: `params`, `C1.params`.
    pub quantity: Name,
    /// How it is compared.
    pub op: Spanned<Compare>,
    /// The value.
    pub value: Spanned<Claimed>,
    /// Its unit, if one is written.
    pub unit: Option<Name>,
    /// How far off it may be.
    pub tolerance: Option<Spanned<Tolerance>>,
    /// `at batch=1 precision=f16`.
    pub at: Vec<(Name, Spanned<Setting>)>,
    /// Where the figure comes from.
    pub source: Option<Spanned<String>>,
}

/// A comparison in an `expect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// `==`, or nothing.
    Equal,
    /// `!=`
    NotEqual,
    /// `~`
    About,
    /// `!~`
    NotAbout,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

/// A claimed value.
#[derive(Clone, Debug, PartialEq)]
pub enum Claimed {
    /// A number; `digits` is how it was written, without separators (`565`, `12.6`, `1.5e3`), which gives its precision.
    Number {
        /// Its value.
        value: Rational,
        /// Its digits, point and exponent.
        digits: String,
    },
    /// `64@8x8`
    Shape(u64, Vec<u64>),
    /// `8x8`
    Dims(Vec<u64>),
}

/// A tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    /// `±2%`, as 1/50.
    Relative(Rational),
    /// `±5`, in the value's unit.
    Absolute(Rational),
}

/// A setting's value in an `at`.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// `batch=1`
    Number(Rational),
    /// `precision=f16`
    Word(String),
}
