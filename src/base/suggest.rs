//! "Did you mean": the nearest of the names that would have been right.

/// The candidate closest to `name`, if one is close enough to be a slip of the hand.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|c| (strsim::osa_distance(&name.to_lowercase(), &c.to_lowercase()), c))
        .filter(|(distance, c)| *distance <= allowed && *c != name)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn transposed_letters_are_a_slip_and_other_words_are_not() {
        assert_eq!(nearest("cnov", ["conv", "dense"]), Some("conv"));
        assert_eq!(nearest("dilate", ["dilation", "groups"]), Some("dilation"));
        assert_eq!(nearest("transformer", ["conv", "dense"]), None);
    }
}
