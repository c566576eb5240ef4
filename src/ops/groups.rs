//! Channels in groups: convolutions, group normalisation and the channel shuffle divide them evenly.

use super::attributes::Attributes;
use super::rules::OpError;
use crate::tensor::Dim;

/// The attribute of this name, 1 if it is left out.
pub(super) fn read(attributes: &Attributes, name: &str) -> Result<u64, OpError> {
    let stated = attributes.int_or(name, 1)?;
    u64::try_from(stated)
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| OpError::invalid(format!("`{name}` is {stated}, where at least 1 is needed")))
}

/// `groups-divide`: each group takes the same share of `channels`.
pub(super) fn check(groups: u64, channels: &Dim, what: &str) -> Result<(), OpError> {
    let Some(n) = channels.size() else { return Ok(()) };
    if groups > 0 && n.is_multiple_of(groups) {
        return Ok(());
    }
    let error = OpError::new("groups-divide", format!("{groups} groups do not divide {n} {what}"));
    let divisors = (1..=n.min(1 << 16)).filter(|d| n.is_multiple_of(*d));
    let (below, above): (Vec<_>, Vec<_>) = divisors.partition(|d| *d < groups);
    let near = below.last().into_iter().chain(above.first()).map(u64::to_string).collect::<Vec<_>>();
    Err(error.help(format!("{} would", near.join(" or "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_divisors_are_offered() {
        let error = check(32, &Dim::Known(100), "input channels").unwrap_err();
        assert_eq!(error.message, "32 groups do not divide 100 input channels");
        assert_eq!(error.help.as_deref(), Some("25 or 50 would"));
        assert_eq!(check(7, &Dim::Known(49), "filters"), Ok(()));
        assert_eq!(check(7, &Dim::Unknown, "filters"), Ok(()));
    }
}
