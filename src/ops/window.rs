//! Windows that slide over spatial axes: kernel, stride, dilation, padding, and the size of what comes out.
//! Shared by convolutions and pools; rank-generic.

use super::attributes::{Attribute, Attributes};
use super::rules::{OpError, Tap};
use crate::tensor::Dim;
use crate::tensor::shape::joined;

/// How a window is padded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// So much before and after each axis.
    Explicit(Vec<(i64, i64)>),
    /// Output = ⌈input / stride⌉, the odd position at the end.
    SameUpper,
    /// The same, the odd position at the beginning.
    SameLower,
    /// None at all.
    #[default]
    Valid,
}

/// A sliding window as ONNX's attributes state it. Lists that are left out are filled with their default when the rank
/// is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sliding {
    /// Kernel sizes, if stated.
    pub kernel: Option<Vec<u64>>,
    /// Strides (default 1).
    pub strides: Option<Vec<u64>>,
    /// Dilations (default 1).
    pub dilations: Option<Vec<u64>>,
    /// Padding (default none).
    pub padding: Padding,
    /// Round the number of outputs up.
    pub ceil: bool,
}

/// The spatial sizes among batch, channels and spatial sizes.
pub fn spatial(dims: &[Dim]) -> Result<&[Dim], OpError> {
    match dims {
        [_, _, spatial @ ..] if !spatial.is_empty() => Ok(spatial),
        _ => Err(OpError::invalid(format!("the input has {} dimensions; a window needs at least 3", dims.len()))),
    }
}

/// One axis of a [`Sliding`] window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Kernel positions.
    pub kernel: u64,
    /// Step.
    pub stride: u64,
    /// Gap between kernel positions.
    pub dilation: u64,
}

impl Axis {
    /// From the first kernel position to the last: dilation·(k−1)+1.
    pub fn extent(self) -> i64 {
        let extent = self.kernel.saturating_sub(1).saturating_mul(self.dilation).saturating_add(1);
        i64::try_from(extent).unwrap_or(i64::MAX)
    }

    fn stride(self) -> i64 {
        i64::try_from(self.stride).unwrap_or(i64::MAX)
    }
}

impl Sliding {
    /// Reads `kernel_shape`, `strides`, `dilations`, `pads`, `auto_pad` and `ceil_mode`.
    pub fn read(attributes: &Attributes) -> Result<Sliding, OpError> {
        let positive = |name: &str| -> Result<Option<Vec<u64>>, OpError> {
            let sizes = attributes.sizes(name)?;
            if sizes.as_ref().is_some_and(|s| s.contains(&0)) {
                return Err(OpError::invalid(format!("`{name}` has a zero")));
            }
            Ok(sizes)
        };
        let padding = match attributes.string("auto_pad")?.unwrap_or("NOTSET") {
            "NOTSET" | "" => match attributes.ints("pads")? {
                None => Padding::Valid,
                Some(pads) if pads.len() % 2 == 0 => {
                    let half = pads.len() / 2;
                    Padding::Explicit(pads[..half].iter().copied().zip(pads[half..].iter().copied()).collect())
                }
                Some(pads) => {
                    return Err(OpError::invalid(format!("`pads` has an odd number of entries ({})", pads.len())));
                }
            },
            "SAME_UPPER" => Padding::SameUpper,
            "SAME_LOWER" => Padding::SameLower,
            "VALID" => Padding::Valid,
            other => return Err(OpError::invalid(format!("`auto_pad` is `{other}`, which no version knows"))),
        };
        Ok(Sliding {
            kernel: positive("kernel_shape")?,
            strides: positive("strides")?,
            dilations: positive("dilations")?,
            padding,
            ceil: attributes.flag("ceil_mode", false)?,
        })
    }

    /// Writes the attributes that [`Sliding::read`] reads.
    pub fn write(&self) -> Attributes {
        let mut out = Attributes::new();
        for (name, sizes) in
            [("kernel_shape", &self.kernel), ("strides", &self.strides), ("dilations", &self.dilations)]
        {
            if let Some(sizes) = sizes {
                out = out.with_sizes(name, sizes);
            }
        }
        match &self.padding {
            Padding::Explicit(pads) => {
                let ints = pads.iter().map(|p| p.0).chain(pads.iter().map(|p| p.1)).collect();
                out.push("pads", Attribute::Ints(ints));
            }
            Padding::SameUpper => out.push("auto_pad", Attribute::String("SAME_UPPER".into())),
            Padding::SameLower => out.push("auto_pad", Attribute::String("SAME_LOWER".into())),
            Padding::Valid => {}
        }
        if self.ceil { out.with_int("ceil_mode", 1) } else { out }
    }

    /// The axes, once the spatial rank is known. `kernel` stands in when the attribute is left out (a convolution's
    /// weights have it).
    pub fn axes(&self, rank: usize, kernel: Option<Vec<u64>>) -> Result<Vec<Axis>, OpError> {
        let Some(kernel) = self.kernel.clone().or(kernel) else {
            return Err(OpError::invalid("the window's size is not stated"));
        };
        let list = |name: &str, sizes: &Option<Vec<u64>>| match sizes {
            None => Ok(vec![1; rank]),
            Some(s) if s.len() == rank => Ok(s.clone()),
            Some(s) => Err(OpError::invalid(format!("`{name}` has {} entries for {rank} spatial axes", s.len()))),
        };
        if kernel.len() != rank {
            return Err(OpError::invalid(format!("a kernel of {} dimensions for {rank} spatial axes", kernel.len())));
        }
        if let Padding::Explicit(pads) = &self.padding
            && pads.len() != rank
        {
            return Err(OpError::invalid(format!("`pads` has {} entries for {rank} spatial axes", 2 * pads.len())));
        }
        let strides = list("strides", &self.strides)?;
        let dilations = list("dilations", &self.dilations)?;
        let axes = kernel.into_iter().zip(strides).zip(dilations);
        Ok(axes.map(|((kernel, stride), dilation)| Axis { kernel, stride, dilation }).collect())
    }

    /// The number of outputs along each axis.
    ///
    /// Explicit padding: ⌊(i + before + after − extent) / stride⌋ + 1, or ⌈…⌉ + 1 with `ceil`, but no window that would
    /// start in the padding after the input, so at most ⌈(i + before) / stride⌉. Same: ⌈i / stride⌉.
    pub fn outputs(&self, inputs: &[Dim], axes: &[Axis]) -> Result<Vec<Dim>, OpError> {
        let one = |(i, (input, axis)): (usize, (&Dim, &Axis))| {
            let stride = Dim::Known(axis.stride());
            let (before, after) = match &self.padding {
                Padding::SameUpper | Padding::SameLower => return Ok(input.ceil_div(&stride)),
                Padding::Valid => (0, 0),
                Padding::Explicit(pads) => pads[i],
            };
            let padded = before.checked_add(after).map_or(Dim::Unknown, |pad| input.plus(&Dim::Known(pad)));
            let room = padded.minus(&Dim::Known(axis.extent()));
            // Rounded up, a window that reaches beyond the end by less than a step still has a place.
            let least = if self.ceil { 1 - axis.stride() } else { 0 };
            if room.known().is_some_and(|n| n < least) {
                return Err(self.too_big(inputs, axes));
            }
            if !self.ceil {
                return Ok(room.floor_div(&stride).plus(&Dim::Known(1)));
            }
            let outputs = room.ceil_div(&stride).plus(&Dim::Known(1));
            // The cap matters only when a whole step fits into the padding after the input.
            if after.saturating_add(axis.stride()) <= axis.extent() {
                return Ok(outputs);
            }
            Ok(outputs.smaller(&input.plus(&Dim::Known(before)).ceil_div(&stride)))
        };
        inputs.iter().zip(axes).enumerate().map(one).collect()
    }

    fn too_big(&self, inputs: &[Dim], axes: &[Axis]) -> OpError {
        let join = |sizes: Vec<String>| sizes.join("x");
        let kernel = join(axes.iter().map(|a| a.kernel.to_string()).collect());
        let error =
            OpError::new("window-too-big", format!("a window of {kernel} does not fit into {}", joined(inputs)));
        let error = if axes.iter().all(|a| a.dilation == 1) {
            error
        } else {
            error.note(format!("dilated, it spans {}", join(axes.iter().map(|a| a.extent().to_string()).collect())))
        };
        match &self.padding {
            Padding::Explicit(pads) if pads.iter().any(|p| *p != (0, 0)) => {
                let padded = |(input, (before, after)): (&Dim, &(i64, i64))| {
                    input.plus(&Dim::Known(*before)).plus(&Dim::Known(*after)).to_string()
                };
                error.note(format!("padded, that is {}", join(inputs.iter().zip(pads).map(padded).collect())))
            }
            _ => error,
        }
    }

    /// Padding before each axis, where the input's size decides it (`SAME_*`) or the attribute states it.
    pub fn before(&self, inputs: &[Dim], axes: &[Axis]) -> Vec<i64> {
        let one = |(i, (input, axis)): (usize, (&Dim, &Axis))| match &self.padding {
            Padding::Explicit(pads) => pads[i].0,
            Padding::Valid => 0,
            Padding::SameUpper | Padding::SameLower => {
                let Some(input) = input.known() else { return 0 };
                let stride = axis.stride();
                let outputs = input.saturating_add(stride - 1) / stride;
                let reach = outputs.saturating_sub(1).saturating_mul(stride).saturating_add(axis.extent());
                let total = reach.saturating_sub(input).max(0);
                if self.padding == Padding::SameUpper { total / 2 } else { total - total / 2 }
            }
        };
        inputs.iter().zip(axes).enumerate().map(one).collect()
    }

    /// The receptive-field step of each axis.
    pub fn taps(&self, inputs: &[Dim], axes: &[Axis]) -> Vec<Tap> {
        let before = self.before(inputs, axes);
        let tap = |(axis, before): (&Axis, i64)| {
            let first = before.saturating_neg();
            Tap { num: axis.stride, den: 1, first, last: first.saturating_add(axis.extent()).saturating_sub(1) }
        };
        axes.iter().zip(before).map(tap).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(input: Dim, kernel: u64, stride: u64, pads: (i64, i64), ceil: bool) -> Result<Dim, OpError> {
        let window = Sliding {
            kernel: Some(vec![kernel]),
            strides: Some(vec![stride]),
            padding: Padding::Explicit(vec![pads]),
            ceil,
            ..Sliding::default()
        };
        Ok(window.outputs(&[input], &window.axes(1, None)?)?[0].clone())
    }

    /// Counts start positions one by one: what the closed formula must give.
    fn slide(input: i64, kernel: i64, stride: i64, before: i64, after: i64, ceil: bool) -> i64 {
        let end = input + before + after;
        let starts = (0..).map(|step| step * stride);
        let whole = starts.clone().take_while(|start| start + kernel <= end).count();
        let reach = |count: usize| (i64::try_from(count).unwrap() - 1) * stride + kernel;
        let mut count = whole;
        // The last step goes beyond the end. (Before the first window the reach is that of a window one step back.)
        if ceil && reach(whole) < end && i64::try_from(whole).unwrap() * stride < input + before {
            count += 1;
        }
        // A window in the padding after the input is dropped even when it fits.
        if ceil {
            count = count.min(starts.take_while(|start| *start < input + before).count());
        }
        i64::try_from(count).unwrap()
    }

    #[test]
    fn sizes_are_those_of_a_window_slid_step_by_step() {
        for input in 1..=12 {
            for (kernel, stride) in [(1i64, 1i64), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3), (1, 3), (5, 4), (2, 4)] {
                for pads in [(0, 0), (1, 1), (0, 1), (2, 0), (2, 2)] {
                    for ceil in [false, true] {
                        let missing = kernel - (input + pads.0 + pads.1);
                        if missing > 0 && (!ceil || missing >= stride) {
                            continue;
                        }
                        let known =
                            outputs(Dim::Known(input), kernel.unsigned_abs(), stride.unsigned_abs(), pads, ceil);
                        let wanted = slide(input, kernel, stride, pads.0, pads.1, ceil);
                        assert_eq!(known, Ok(Dim::Known(wanted)), "{input} {kernel} /{stride} {pads:?} ceil {ceil}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_free_size_keeps_its_symbol() {
        let n = Dim::symbol("N");
        assert_eq!(outputs(n.clone(), 3, 1, (1, 1), false), Ok(n.clone()));
        assert_eq!(outputs(n, 2, 2, (0, 0), true).unwrap().to_string(), "ceil((N)/(2))");
    }

    #[test]
    fn a_window_beyond_the_padded_input_is_refused_with_both_sizes() {
        let error = outputs(Dim::Known(1), 4, 2, (1, 1), false).unwrap_err();
        assert_eq!(error.code, "window-too-big");
        assert_eq!(error.message, "a window of 4 does not fit into 1");
        assert_eq!(error.notes, ["padded, that is 3"]);
    }
}
