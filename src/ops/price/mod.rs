//! What others charge an operator for: terms that a counting convention adds up, and the price lists of tools that
//! count an ONNX file operator by operator. Such a tool knows an operator by its name alone, so its list is kept here,
//! beside the operators; an analysis asks for the price of an operator and names none.

mod onnx_opcounter;
mod onnx_tool;

pub use onnx_opcounter::ONNX_OPCOUNTER;
pub use onnx_tool::ONNX_TOOL;

use super::rules::{Arithmetic, At, Class, Work};
use crate::tensor::Dim;

/// A charge: so many for each of something. Several are added up.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// Only operators of these classes are charged; empty for any.
    pub classes: &'static [Class],
    /// For each of what.
    pub each: Each,
    /// How many.
    pub times: i64,
}

impl Term {
    /// A charge of operators of these classes.
    pub const fn of(classes: &'static [Class], each: Each, times: i64) -> Term {
        Term { classes, each, times }
    }

    /// A charge of any operator.
    pub const fn any(each: Each, times: i64) -> Term {
        Term::of(&[], each, times)
    }

    /// Whether it charges operators of this class.
    pub fn concerns(&self, class: Class) -> bool {
        self.classes.is_empty() || self.classes.contains(&class)
    }
}

/// What is charged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Each {
    /// Multiply-accumulates.
    Mac,
    /// Additions of a bias.
    Bias,
    /// Multiplications that are none of the multiply-accumulates.
    Mul,
    /// Elements of the first input.
    Input,
    /// Elements of the first output.
    Output,
    /// Elements of the first output, for each input but the first.
    Other,
    /// Values that the elements of the first output look at.
    Seen,
    /// Groups of values that are looked at together: the first input over one window.
    Window,
    /// Channels of the first input.
    Channel,
}

/// Sizes around an operator; `None` where one is not known.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    input: Option<u64>,
    output: Option<u64>,
    /// Whether the output has no axis.
    scalar: bool,
    inputs: u64,
    channels: Option<u64>,
}

impl Sizes {
    /// Those around an operator in its place.
    pub fn of(at: &At) -> Sizes {
        Sizes {
            input: at.input_elements(0),
            output: at.output_elements(0),
            scalar: at.output(0).is_some_and(|t| t.shape.dims().is_some_and(<[Dim]>::is_empty)),
            inputs: u64::try_from(at.inputs.len()).unwrap_or(u64::MAX),
            channels: at.dims(0).and_then(|d| d.get(1)).and_then(Dim::size),
        }
    }
}

/// Sums terms for an operator; `None` where an amount is not known or the sum is not between 0 and 2^64.
/// `arithmetic` is none for an operator that computes nothing, or of which nobody knows how much.
pub fn sum<'a>(
    terms: impl IntoIterator<Item = &'a Term>,
    arithmetic: Option<&Arithmetic>,
    sizes: Sizes,
) -> Option<u64> {
    let mut total = 0i128;
    for term in terms {
        let n = match term.each {
            Each::Mac => arithmetic?.macs,
            Each::Bias => arithmetic?.biases,
            Each::Mul => arithmetic?.operations.mul,
            Each::Input => sizes.input?,
            Each::Output => sizes.output?,
            Each::Other => sizes.output?.checked_mul(sizes.inputs.saturating_sub(1))?,
            Each::Seen => sizes.output?.checked_mul(arithmetic?.window)?,
            Each::Window => sizes.input?.checked_div(arithmetic?.window)?,
            Each::Channel => sizes.channels?,
        };
        total = total.checked_add(i128::from(n).checked_mul(i128::from(term.times))?)?;
    }
    u64::try_from(total).ok()
}

/// What a tool charges for operators by their names, and for nothing inside sub-graphs.
#[derive(Debug)]
pub struct PriceList {
    /// The tool, with its version.
    pub tool: &'static str,
    rows: &'static [Row],
    /// What any other operator costs; a tool that has nothing for it stops there.
    otherwise: Option<&'static [Term]>,
    /// Whether a tensor without axes is one value, or none.
    scalars: bool,
}

/// Operators of one price. Where terms name classes, an operator of another class has none.
#[derive(Debug)]
struct Row {
    operators: &'static [&'static str],
    terms: &'static [Term],
}

const fn row(operators: &'static [&'static str], terms: &'static [Term]) -> Row {
    Row { operators, terms }
}

/// A price, where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// This much.
    Known(u64),
    /// The tool has one, and a size that it depends on is not known.
    Open,
    /// The tool has none.
    Foreign,
}

impl PriceList {
    /// What an operator of this name costs, whatever domain it is from.
    pub fn price(&self, operator: &str, work: &Work, sizes: Sizes) -> Price {
        let own = self.rows.iter().find(|row| row.operators.contains(&operator)).map(|row| row.terms);
        let Some(terms) = own.or(self.otherwise) else { return Price::Foreign };
        if sizes.scalar && !self.scalars {
            return Price::Known(0);
        }
        let arithmetic = if let Work::Counted(arithmetic) = work { Some(arithmetic) } else { None };
        let class = if let Work::Uncounted(class, _) = work { Some(*class) } else { arithmetic.map(|a| a.class) };
        if class.is_none() && terms.iter().any(|t| !t.classes.is_empty()) {
            return Price::Open;
        }
        let mut due = terms.iter().filter(|t| class.is_none_or(|class| t.concerns(class))).peekable();
        if due.peek().is_none() && !terms.is_empty() {
            return Price::Foreign;
        }
        sum(due, arithmetic, sizes).map_or(Price::Open, Price::Known)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ROOMS;
    use super::super::rules::Operations;
    use super::*;

    /// `upsample_macs` of onnx-opcounter returns nothing for a cubic interpolation, and adding that stops the tool.
    #[test]
    fn what_a_tool_stops_at_has_no_price() {
        let sizes = Sizes { input: Some(4), output: Some(16), scalar: false, inputs: 1, channels: Some(1) };
        let resize = |list: &PriceList, class| {
            let work = Work::windowed(class, Some((16, Operations::default())));
            list.price("Resize", &work, sizes)
        };
        let classes = [Class::Nearest, Class::Bilinear, Class::Cubic];
        let prices = |list| classes.map(|class| resize(list, class));
        assert_eq!(prices(&ONNX_OPCOUNTER), [Price::Known(0), Price::Known(16 * 11), Price::Foreign]);
        assert_eq!(prices(&ONNX_TOOL), [Price::Known(0), Price::Known(16 * 4), Price::Known(16 * 8)]);
    }

    #[test]
    fn every_name_in_a_list_is_an_operator_and_stands_there_once() {
        for list in [&ONNX_TOOL, &ONNX_OPCOUNTER] {
            let mut names: Vec<&str> = list.rows.iter().flat_map(|row| row.operators).copied().collect();
            let known = |name: &&str| ROOMS.iter().flat_map(|r| r.ops).any(|kind| kind.name == *name);
            assert_eq!(names.iter().find(|name| !known(name)), None, "{}", list.tool);
            names.sort_unstable();
            assert_eq!(names.windows(2).find(|pair| pair[0] == pair[1]), None, "{}", list.tool);
        }
    }
}
