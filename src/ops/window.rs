//! Windows that slide over spatial axes: kernel, stride, dilation, padding, and the size of what comes out.
//! Shared by convolutions and pools; rank-generic.

use super::attributes::{Attribute, Attributes};
use super::rules::{OpError, Tap};
use crate::tensor::Dim;

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
    /// Explicit padding: ⌊(i + before + after − extent) / stride⌋ + 1, or ⌈…⌉ + 1 with `ceil`, one less if the last
    /// window would start in the padding after the input. Same: ⌈i / stride⌉.
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
            if room.known().is_some_and(|n| n < 0) {
                let kernel = axes.iter().map(|a| a.extent().to_string()).collect::<Vec<_>>().join("x");
                let into = inputs.iter().map(Dim::to_string).collect::<Vec<_>>().join("x");
                return Err(OpError::new("window-too-big", format!("a window of {kernel} does not fit into {into}")));
            }
            let steps = if self.ceil { room.ceil_div(&stride) } else { room.floor_div(&stride) };
            let outputs = steps.plus(&Dim::Known(1));
            let last_start = steps.times(&stride);
            let in_padding = self.ceil
                && match (last_start.known(), input.plus(&Dim::Known(before)).known()) {
                    (Some(start), Some(end)) => start >= end,
                    _ => false,
                };
            Ok(if in_padding { outputs.minus(&Dim::Known(1)) } else { outputs })
        };
        inputs.iter().zip(axes).enumerate().map(one).collect()
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
                let total = ((outputs - 1).saturating_mul(stride).saturating_add(axis.extent()) - input).max(0);
                if self.padding == Padding::SameUpper { total / 2 } else { total - total / 2 }
            }
        };
        inputs.iter().zip(axes).enumerate().map(one).collect()
    }

    /// The receptive-field step of each axis.
    pub fn taps(&self, inputs: &[Dim], axes: &[Axis]) -> Vec<Tap> {
        let before = self.before(inputs, axes);
        let tap = |(axis, before): (&Axis, i64)| Tap {
            size: axis.extent().unsigned_abs(),
            stride: (axis.stride, 1),
            start: -before,
        };
        axes.iter().zip(before).map(tap).collect()
    }
}
