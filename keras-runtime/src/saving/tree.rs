//! The tree of a weights file: groups with attributes, holding arrays.

use std::collections::BTreeMap;

use super::array::Array;

/// What is said about a group.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
}

/// A group: what an object of a model stores.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// What is said about it.
    pub attributes: BTreeMap<String, Attribute>,
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

    /// Its `name` attribute: the object's name in Keras.
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// Sets the `name` attribute.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.set_text("name", name);
    }

    /// An attribute that is a text.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.attributes.get(key) {
            Some(Attribute::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Sets an attribute to a text.
    pub fn set_text(&mut self, key: &str, text: impl Into<String>) {
        self.attributes.insert(key.into(), Attribute::Text(text.into()));
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
