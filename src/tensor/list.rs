//! Lists of values: what all of them share, and each of them where that is known.

use super::ValueType;

/// Most stretches of alike values that a list keeps apart.
const STRETCHES: usize = 8;

/// The type of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    element: ValueType,
    /// Types in order, each with how many neighbours have it; `None` where the length is not known.
    items: Option<Vec<(ValueType, u64)>>,
}

impl List {
    /// Any number of values of one type.
    pub fn of(element: ValueType) -> List {
        List { element, items: None }
    }

    /// So many values of each type, in order; `element` is what a list of none would hold.
    pub fn new(element: ValueType, items: impl IntoIterator<Item = (ValueType, u64)>) -> List {
        let mut kept: Vec<(ValueType, u64)> = Vec::new();
        let mut common: Option<ValueType> = None;
        let mut known = true;
        for (ty, n) in items.into_iter().filter(|(_, n)| *n > 0) {
            common = Some(common.map_or_else(|| ty.clone(), |common| common.join(&ty)));
            let room = kept.len() < STRETCHES;
            match kept.last_mut() {
                Some((last, many)) if *last == ty => *many = many.saturating_add(n),
                _ if room => kept.push((ty, n)),
                _ => known = false,
            }
        }
        List { element: common.unwrap_or(element), items: known.then_some(kept) }
    }

    /// What all values share.
    pub fn element(&self) -> &ValueType {
        &self.element
    }

    /// The values in order, each with how many neighbours are like it.
    pub fn items(&self) -> Option<&[(ValueType, u64)]> {
        self.items.as_deref()
    }

    /// How many values it has.
    pub fn length(&self) -> Option<u64> {
        self.items()?.iter().try_fold(0u64, |sum, (_, n)| sum.checked_add(*n))
    }

    /// A position that may be counted from the end, counted from the start.
    fn position(&self, at: i64) -> Option<u64> {
        if at >= 0 { u64::try_from(at).ok() } else { self.length()?.checked_sub(at.unsigned_abs()) }
    }

    /// The values before a position and those from it on.
    fn parted(&self, at: u64) -> Option<[Vec<(ValueType, u64)>; 2]> {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut room = at;
        for (ty, n) in self.items()? {
            let here = room.min(*n);
            before.push((ty.clone(), here));
            after.push((ty.clone(), n.saturating_sub(here)));
            room = room.saturating_sub(here);
        }
        (room == 0).then_some([before, after])
    }

    /// The value at a position, or what all values share.
    pub fn get(&self, at: Option<i64>) -> ValueType {
        let found = || {
            let [_, after] = self.parted(self.position(at?)?)?;
            after.into_iter().find(|(_, n)| *n > 0).map(|(ty, _)| ty)
        };
        found().unwrap_or_else(|| self.element.clone())
    }

    /// With one more value before a position, or at the end; `Err` stands for a position that is not known.
    pub fn inserted(&self, value: ValueType, at: Result<Option<i64>, ()>) -> List {
        let element =
            if self.items.as_ref().is_some_and(Vec::is_empty) { value.clone() } else { self.element.join(&value) };
        let items = || {
            let at = match at.ok()? {
                Some(at) => self.position(at)?,
                None => self.length()?,
            };
            let [before, after] = self.parted(at)?;
            Some(List::new(element.clone(), before.into_iter().chain([(value, 1)]).chain(after)))
        };
        items().unwrap_or_else(|| List::of(element))
    }

    /// Without the value at a position; `None` where it is not known.
    pub fn erased(&self, at: Option<i64>) -> List {
        let items = || {
            let [before, mut after] = self.parted(self.position(at?)?)?;
            let (_, n) = after.iter_mut().find(|(_, n)| *n > 0)?;
            *n = n.checked_sub(1)?;
            Some(List::new(self.element.clone(), before.into_iter().chain(after)))
        };
        items().unwrap_or_else(|| List::of(self.element.clone()))
    }

    /// The narrowest type that holds both lists.
    pub fn join(&self, other: &List) -> List {
        match (self.items(), other.items()) {
            (Some([]), _) => List { element: other.element.clone(), items: other.items.clone().filter(Vec::is_empty) },
            (_, Some([])) => List::of(self.element.clone()),
            (Some(a), Some(b)) if a == b => self.clone(),
            _ => List::of(self.element.join(&other.element)),
        }
    }

    /// The same with other types for its values.
    #[must_use]
    pub fn map(&self, change: impl Fn(&ValueType) -> ValueType) -> List {
        let items = self.items().map(|items| items.iter().map(|(ty, n)| (change(ty), *n)).collect());
        List { element: change(&self.element), items }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DType, Shape, TensorType};
    use super::*;

    fn of(size: u64) -> ValueType {
        TensorType::new(DType::F32, Shape::known(&[size])).into()
    }

    #[test]
    fn values_are_found_from_both_ends() {
        let list = List::new(ValueType::Unknown, [(of(2), 3), (of(2), 1), (of(5), 1)]);
        assert_eq!(list.length(), Some(5));
        assert_eq!(list.get(Some(3)), of(2));
        assert_eq!(list.get(Some(-1)), of(5));
        assert_eq!(list.get(None), of(2).join(&of(5)));
        assert_eq!(list.erased(Some(4)), List::new(ValueType::Unknown, [(of(2), 4)]));
        assert_eq!(list.erased(None).length(), None);
        assert_eq!(list.inserted(of(7), Ok(Some(-1))).get(Some(4)), of(7));
        assert_eq!(list.inserted(of(7), Ok(None)).get(Some(5)), of(7));
        assert_eq!(list.inserted(of(7), Ok(Some(9))).length(), None);
        assert_eq!(list.inserted(of(7), Err(())).length(), None);
    }

    #[test]
    fn an_empty_list_takes_the_type_of_what_comes() {
        let empty = List::new(ValueType::Unknown, []);
        assert_eq!(empty.inserted(of(2), Ok(None)), List::new(ValueType::Unknown, [(of(2), 1)]));
        assert_eq!(empty.join(&List::of(of(2))), List::of(of(2)));
        assert_eq!(List::new(ValueType::Unknown, [(of(2), 1)]).join(&empty), List::of(of(2)));
    }

    #[test]
    fn what_a_list_keeps_is_bounded() {
        let many = List::new(ValueType::Unknown, (1..100).map(|n| (of(n), 1)));
        assert_eq!(many.length(), None);
    }
}
