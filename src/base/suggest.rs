//! "Did you mean": the nearest of the names that would have been right.

/// The candidate closest to `name`, if one is close enough to be a slip of the hand, or another ending of the same word.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = name;
    let name = name.to_lowercase();
    let length = name.chars().count();
    let close = |candidate: &'a str| {
        let candidate_lower = candidate.to_lowercase();
        let distance = strsim::osa_distance(&name, &candidate_lower);
        let shared = name.chars().zip(candidate_lower.chars()).take_while(|(a, b)| a == b).count();
        let same_word = shared >= 4 && shared * 3 >= length * 2;
        (candidate != given && (distance <= (length / 3).max(1) || same_word)).then_some((distance, candidate))
    };
    candidates.into_iter().filter_map(close).min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn transposed_letters_are_a_slip_and_other_words_are_not() {
        assert_eq!(nearest("cnov", ["conv", "dense"]), Some("conv"));
        assert_eq!(nearest("dilate", ["dilation", "groups"]), Some("dilation"));
        assert_eq!(nearest("transformer", ["conv", "dense"]), None);
        assert_eq!(nearest("FP16", ["fp32", "fp16"]), Some("fp16"));
        assert_eq!(nearest("fp16", ["fp16"]), None);
    }
}
