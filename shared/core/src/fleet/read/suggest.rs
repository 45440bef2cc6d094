//! "Did you mean": the nearest of some words to one that is not among them.

/// The nearest known word, if one is near enough to have been meant: few letters wrong, swapped, missing or too many, or
/// one word the beginning of the other.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let length = word.chars().count();
    let allowed = (length / 3).clamp(1, 4);
    let scored = known.into_iter().filter_map(|candidate| {
        let lower = candidate.to_ascii_lowercase();
        let is_beginning = word.len() >= 3 && lower.len() >= 3 && (lower.starts_with(&word) || word.starts_with(&lower));
        // Each letter more or fewer is one step: what differs by more is not worth the comparison (there are 600 time zones).
        if !is_beginning && lower.chars().count().abs_diff(length) > allowed {
            return None;
        }
        let distance = distance(&word, &lower);
        (distance <= allowed && distance < lower.chars().count() || is_beginning).then_some((distance, candidate))
    });
    scored.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, candidate) in other.iter().enumerate() {
            let at = |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX / 2);
            let substitution = at(&last, column) + usize::from(letter != candidate);
            let mut least = substitution.min(at(&last, column + 1) + 1).min(at(&current, column) + 1);
            let is_swapped = row > 0 && column > 0 && one.get(row - 1) == Some(candidate) && other.get(column - 1) == Some(letter);
            if is_swapped {
                least = least.min(at(&before_last, column - 1) + 1);
            }
            current.push(least);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(usize::MAX)
}
