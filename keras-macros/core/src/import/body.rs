//! The body of a Functional model as text: variables, names, calls.

use std::collections::{HashMap, HashSet};

use proc_macro2::Literal;

use super::model::{Call, Form, Kind, Model, Source};
use super::print::variable;
use crate::naming::Names;

/// A layer that lowering creates: the name that it gets if nothing else is said, and the one that it has in Keras. Further calls of
/// an operation have none there.
pub(super) struct Created<'n> {
    pub stem: String,
    pub name: Option<&'n str>,
}

/// The stem of a part's name: that of its class, or of the model's.
pub(super) fn stem(stem: &str, constructor: &str) -> String {
    if stem.is_empty() {
        crate::naming::snake(constructor.split('(').next().unwrap_or(""))
    } else {
        stem.to_string()
    }
}

/// Which layers need `#[name = ".."]`, in order of creation. `model!` numbers the others (see `names::assign`).
pub(super) fn explicit(created: &[Created<'_>]) -> Vec<bool> {
    let mut explicit = vec![false; created.len()];
    loop {
        let mut names = Names::default();
        for (layer, _) in created.iter().zip(&explicit).filter(|(_, explicit)| **explicit) {
            layer.name.iter().for_each(|name| _ = names.take(name));
        }
        let mut next: HashMap<&str, usize> = HashMap::new();
        let mut changed = false;
        for (layer, explicit) in created.iter().zip(&mut explicit).filter(|(_, explicit)| !**explicit) {
            let given = names.fresh(&layer.stem, next.entry(&layer.stem).or_default());
            // A name that cannot be written is left out: files are matched by position.
            let writable = |name: &&str| !name.is_empty() && !name.contains('/');
            if layer.name.filter(writable).is_some_and(|name| name != given) {
                *explicit = true;
                changed = true;
            }
        }
        if !changed {
            return explicit;
        }
    }
}

pub(super) fn attribute(name: &str) -> String {
    format!("#[name = {}] ", Literal::string(name))
}

/// A body under way.
pub(super) struct Body<'m> {
    model: &'m Model,
    constructors: &'m [String],
    /// Variables of the inputs.
    pub inputs: Vec<String>,
    /// Variables of the layers that are called several times.
    layers: HashMap<usize, String>,
    /// Variables of the values of each call; `_` for one that is not used.
    values: Vec<Vec<String>>,
    /// Which calls are the first of their part.
    first: Vec<bool>,
}

impl<'m> Body<'m> {
    pub fn new(model: &'m Model, constructors: &'m [String], given: &[String]) -> Body<'m> {
        let mut calls = vec![0; model.parts.len()];
        let first = model.calls.iter().map(|call| {
            calls[call.part] += 1;
            calls[call.part] == 1
        });
        let first: Vec<bool> = first.collect();
        let mut used: HashSet<Source> = model.outputs.iter().map(|(_, source)| *source).collect();
        used.extend(model.calls.iter().flat_map(|call| &call.inputs));
        let mut taken = Names::default();
        words(model, constructors).iter().for_each(|word| _ = taken.take(word));
        let inputs = if given.is_empty() {
            model.inputs.iter().map(|input| taken.fresh(&variable(&input.name), &mut 0)).collect()
        } else {
            given.iter().for_each(|name| _ = taken.take(name));
            given.to_vec()
        };
        // Names that stand for themselves first, numbered ones after them.
        let named = |taken: &mut Names, at: usize| taken.fresh(&variable(&model.parts[at].name), &mut 0);
        let plain: Vec<String> = (0..model.parts.len()).map(|at| named(&mut taken, at)).collect();
        let layers: HashMap<usize, String> = (0..model.parts.len())
            .filter(|at| calls[*at] > 1 && !matches!(model.parts[*at].kind, Kind::Operation))
            .map(|at| (at, plain[at].clone()))
            .collect();
        let mut free: Vec<bool> = (0..model.parts.len()).map(|at| !layers.contains_key(&at)).collect();
        let values = model.calls.iter().enumerate().map(|(at, call)| {
            let value = |output| {
                if !used.contains(&Source::Call { call: at, output }) {
                    return "_".to_string();
                }
                match std::mem::replace(&mut free[call.part], false) {
                    true => plain[call.part].clone(),
                    false => named(&mut taken, call.part),
                }
            };
            (0..call.outputs).map(value).collect()
        });
        let values = values.collect();
        Body { model, constructors, inputs, layers, values, first }
    }

    fn variable(&self, source: Source) -> &str {
        match source {
            Source::Input(at) => &self.inputs[at],
            Source::Call { call, output } => &self.values[call][output],
        }
    }

    /// `{ .. }`.
    pub fn print(&self) -> String {
        let model = self.model;
        let created = model.calls.iter().zip(&self.first).flat_map(|(call, first)| {
            let part = &model.parts[call.part];
            match (&call.form, self.layers.get(&call.part)) {
                // An operation is made by each call of it.
                (Form::Operation(_, stem), _) => {
                    Some(Created { stem: stem.clone(), name: first.then_some(&part.name) })
                }
                _ if !first => None,
                (_, Some(variable)) => Some(Created { stem: variable.clone(), name: Some(&part.name) }),
                (_, None) => {
                    let stem = stem(&part.stem, &self.constructors[call.part]);
                    Some(Created { stem, name: Some(&part.name) })
                }
            }
        });
        let mut explicit = explicit(&created.collect::<Vec<_>>()).into_iter();
        let mut out = String::from(" {\n");
        let last = model.calls.len().wrapping_sub(1);
        let result = match &model.outputs[..] {
            [(_, source)] => self.variable(*source).to_string(),
            several => {
                let names: Vec<&str> = several.iter().map(|(_, source)| self.variable(*source)).collect();
                format!("({})", names.join(", "))
            }
        };
        for (at, call) in model.calls.iter().enumerate() {
            let made = match &call.form {
                Form::Operation(..) => true,
                Form::Layer { .. } => self.first[at],
            };
            let named = made && explicit.next().unwrap_or(false);
            let attribute = if named { attribute(&model.parts[call.part].name) } else { String::new() };
            let constructor = &self.constructors[call.part];
            let shared = self.layers.get(&call.part);
            if let (Some(shared), true) = (shared, self.first[at]) {
                out.push_str(&format!("    let {shared} = {attribute}{constructor};\n"));
            }
            let expression = match shared {
                Some(shared) => self.call(shared, call),
                None => format!("{attribute}{}", self.call(constructor, call)),
            };
            let pattern = match &self.values[at][..] {
                [one] => one.clone(),
                several => format!("({})", several.join(", ")),
            };
            // The last call may be the output itself.
            let plain = !matches!(call.form, Form::Operation(..)) || attribute.is_empty();
            if at == last && pattern == result && model.outputs.len() == 1 && plain {
                out.push_str(&format!("    {expression}\n}}"));
                return out;
            }
            // Before an operator, an attribute would be that of its first operand.
            let (before, expression) = match (&call.form, expression.strip_prefix(&attribute)) {
                (Form::Operation(..), Some(plain)) => (&attribute[..], plain),
                _ => ("", &expression[..]),
            };
            out.push_str(&format!("    {before}let {pattern} = {expression};\n"));
        }
        out.push_str(&format!("    {result}\n}}"));
        out
    }

    fn call(&self, callee: &str, call: &Call) -> String {
        let inputs: Vec<&str> = call.inputs.iter().map(|source| self.variable(*source)).collect();
        match &call.form {
            Form::Layer { options, states } => {
                let (plain, states) = inputs.split_at(inputs.len() - states.min(&inputs.len()));
                let mut arguments: Vec<String> = plain.iter().map(|name| name.to_string()).collect();
                if !states.is_empty() {
                    arguments.push(format!("initial_state = [{}]", states.join(", ")));
                }
                arguments.extend(options.iter().cloned());
                format!("{callee}({})", arguments.join(", "))
            }
            Form::Operation(text, _) => {
                let mut out = text.replace("{{", "\u{1}").replace("}}", "\u{2}");
                for (at, name) in inputs.iter().enumerate() {
                    out = out.replace(&format!("{{{at}}}"), name);
                }
                out.replace('\u{1}', "{").replace('\u{2}', "}")
            }
        }
    }
}

/// The lower-case words that have a meaning in a model's constructors and operations, so that no variable may be called so.
fn words(model: &Model, constructors: &[String]) -> HashSet<String> {
    let operations = model.calls.iter().filter_map(|call| match &call.form {
        Form::Operation(text, _) => Some(&text[..]),
        Form::Layer { .. } => None,
    });
    let mut words = HashSet::new();
    for text in constructors.iter().map(|text| &text[..]).chain(operations) {
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_lowercase()) {
            let before = rest[..start].chars().next_back();
            let word = &rest[start..];
            let end = word.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(word.len());
            let is_part = before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
            let is_path = rest[..start].ends_with("::");
            // The name of an option is no value, and a path is no variable.
            if !is_part && !is_path && !word[end..].starts_with(" =") {
                words.insert(word[..end].to_string());
            }
            rest = &word[end..];
        }
    }
    words
}
