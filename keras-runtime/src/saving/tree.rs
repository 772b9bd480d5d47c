//! The tree of a weights file: groups with a name, holding arrays.

use std::collections::BTreeMap;

use super::array::Array;

/// A group: what an object of a model stores.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Its `name` attribute: the object's name in Keras. Only for people; reading goes by position.
    pub name: Option<String>,
    /// Groups in it.
    pub groups: BTreeMap<String, Group>,
    /// Arrays in it.
    pub arrays: BTreeMap<String, Array>,
}

impl Group {
    /// The group at a path of names, made where it is missing.
    pub fn make<'a>(&mut self, path: impl IntoIterator<Item = &'a str>) -> &mut Group {
        path.into_iter().fold(self, |group, name| group.groups.entry(name.to_string()).or_default())
    }

    /// The group at a path of names.
    pub fn find<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<&Group> {
        path.into_iter().try_fold(self, |group, name| group.groups.get(name))
    }

    /// The arrays named 0, 1, 2 and so on, in this order.
    pub fn numbered(&self) -> Vec<&Array> {
        (0..).map_while(|i: usize| self.arrays.get(&i.to_string())).collect()
    }

    /// Names the arrays 0, 1, 2 and so on.
    pub fn set_numbered(&mut self, arrays: impl IntoIterator<Item = Array>) {
        self.arrays = arrays.into_iter().enumerate().map(|(i, array)| (i.to_string(), array)).collect();
    }

    /// Number of arrays in it and below.
    pub fn count(&self) -> usize {
        self.arrays.len() + self.groups.values().map(Group::count).sum::<usize>()
    }
}
