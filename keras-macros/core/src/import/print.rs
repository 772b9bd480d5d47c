//! A [`Model`] as the text of `model!`.

use std::collections::{HashMap, HashSet};

use proc_macro2::{Literal, Span};

use super::Result;
use super::model::{Call, Form, Kind, Model, Shape, Shapes, Source};
use crate::naming::{Names, ident};

/// A model as text, in parts.
#[derive(Debug)]
pub struct Printed {
    /// What stands inside `model! { .. }` for each model inside it, the innermost first.
    pub models: Vec<String>,
    /// Names of the inputs as variables.
    pub inputs: Vec<String>,
    /// Names of the outputs, all different.
    pub outputs: Vec<String>,
    /// `= [..]` or `{ .. }`.
    pub body: String,
}

impl Model {
    /// The models as source: those inside it first, then itself, called `name`. `file` is where it comes from, `dims` the shapes
    /// of its inputs where the file leaves some open, `known` the shapes of its outputs where they are known; otherwise they
    /// are left to be worked out: `-> _`.
    ///
    /// # Errors
    /// If the shape of an input is not known.
    pub fn text(&self, name: &str, file: &str, dims: &[Shape], known: Option<&Shapes>) -> Result<String> {
        let inputs: Vec<Shape> = if dims.is_empty() {
            self.inputs.iter().map(|input| input.shape.clone()).collect()
        } else {
            dims.to_vec()
        };
        if inputs.is_empty() {
            return Err("was saved before it was built: say the shape of its input".into());
        }
        let printed = self.print(name, "pub ", &[], known)?;
        let header = header(self, name, "pub ", &inputs, &printed, known)
            .map_err(|open| format!("{open}: say the shape of its inputs"))?;
        let mut out = String::new();
        for model in &printed.models {
            out.push_str(&format!("model! {{\n{}\n}}\n\n", indented(model)));
        }
        let doc = format!("/// `{}` of `{file}`.", self.name.replace(['\n', '\r', '`'], " "));
        let model = format!("{doc}\n{header}{}", printed.body);
        out.push_str(&format!("model! {{\n{}\n}}\n", indented(&model)));
        Ok(out)
    }

    /// The model's body, and the models inside it. `given` are the names of its inputs, if it has others than the file says.
    ///
    /// # Errors
    /// If the shape of an input of a model inside it is not known.
    pub fn print(&self, name: &str, vis: &str, given: &[String], known: Option<&Shapes>) -> Result<Printed> {
        let mut printed =
            Printed { models: Vec::new(), inputs: Vec::new(), outputs: Vec::new(), body: String::new() };
        let constructors = self.constructors(name, vis, known, &mut printed.models)?;
        if self.sequential {
            printed.inputs.push("x".into());
            printed.outputs.push("y".into());
            printed.body = self.list(&constructors);
            return Ok(printed);
        }
        let body = Body::new(self, &constructors, given);
        printed.body = body.print();
        printed.inputs = body.inputs;
        printed.outputs = unique(self.outputs.iter().map(|(name, _)| &name[..]), &HashSet::new());
        Ok(printed)
    }

    /// The constructor of each part; models inside are printed as models of their own.
    fn constructors(
        &self,
        name: &str,
        vis: &str,
        known: Option<&Shapes>,
        models: &mut Vec<String>,
    ) -> Result<Vec<String>> {
        let mut taken = Names::default();
        let mut constructors = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            constructors.push(match &part.kind {
                Kind::Operation => String::new(),
                Kind::Layer(constructor) => constructor.clone(),
                Kind::Model(model, trainable) => {
                    let inner = taken.fresh(&format!("{name}{}", camel(&part.name)), &mut 0);
                    let known = known.and_then(|known| known.models.get(&part.name));
                    let printed = model.print(&inner, vis, &[], known)?;
                    let inputs: Vec<Shape> = model.inputs.iter().map(|input| input.shape.clone()).collect();
                    let header = header(model, &inner, vis, &inputs, &printed, known).map_err(|open| {
                        format!(
                            "model `{}`: {open}: in source the shapes of models inside a model are fixed; save it with \
                             all dimensions, or use `keras::load_model`",
                            part.name
                        )
                    })?;
                    models.extend(printed.models);
                    models.push(format!("{header}{}", printed.body));
                    format!("{inner}({})", if *trainable { "" } else { "trainable = false" })
                }
            });
        }
        Ok(constructors)
    }

    /// `= [list]`.
    fn list(&self, constructors: &[String]) -> String {
        let stems: Vec<Created<'_>> = self
            .parts
            .iter()
            .zip(constructors)
            .map(|(part, constructor)| Created {
                stem: stem(&part.stem, constructor),
                name: Some(&part.name),
            })
            .collect();
        let explicit = explicit(&stems);
        let mut out = String::from(" = [\n");
        for ((part, constructor), explicit) in self.parts.iter().zip(constructors).zip(explicit) {
            let attribute = if explicit { attribute(&part.name) } else { String::new() };
            let plain = constructor.strip_suffix("()").unwrap_or(constructor);
            out.push_str(&format!("    {attribute}{plain},\n"));
        }
        out.push(']');
        out
    }
}

/// Whether a name can be a model's: in upper camel case.
pub fn is_type_name(name: &str) -> bool {
    let plain = syn::parse_str::<syn::Ident>(name).is_ok();
    plain && name.starts_with(char::is_uppercase) && name.chars().any(char::is_lowercase)
}

/// `pub Net(x: [32]) -> [10]`; what is not known otherwise.
fn header(
    model: &Model,
    name: &str,
    vis: &str,
    inputs: &[Shape],
    printed: &Printed,
    known: Option<&Shapes>,
) -> Result<String> {
    let mut ports = Vec::with_capacity(inputs.len());
    for (at, shape) in inputs.iter().enumerate() {
        let text = shape.print().ok_or_else(|| {
            let name = model.inputs.get(at).map_or("x", |input| &input.name);
            format!("the shape of the input `{name}`, {}, depends on the data", shape.open())
        })?;
        ports.push(if model.sequential { text } else { format!("{}: {text}", printed.inputs[at]) });
    }
    let output =
        |at: usize| known.and_then(|known| known.outputs.get(at)?.print()).unwrap_or_else(|| "_".into());
    let outputs = match &printed.outputs[..] {
        [_] => output(0),
        several => {
            let several = several.iter().enumerate().map(|(at, name)| format!("{name}: {}", output(at)));
            format!("({})", several.collect::<Vec<_>>().join(", "))
        }
    };
    Ok(format!("{vis}{name}({}) -> {outputs}", ports.join(", ")))
}

impl Shape {
    /// `[28, 28, 1]`, `[i32; 100]`; `None` if data decide a dimension.
    fn print(&self) -> Option<String> {
        let dims: Vec<String> =
            self.dims.iter().map(|dim| dim.map(|dim| dim.to_string())).collect::<Option<_>>()?;
        let dtype = self.dtype.map(|dtype| format!("{dtype}; ")).unwrap_or_default();
        Some(format!("[{dtype}{}]", dims.join(", ")))
    }

    /// `[None, 5]`.
    pub fn open(&self) -> String {
        let dims: Vec<String> =
            self.dims.iter().map(|d| d.map_or("None".into(), |d| d.to_string())).collect();
        format!("[{}]", dims.join(", "))
    }
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| if line.is_empty() { String::new() } else { format!("    {line}") })
        .collect::<Vec<_>>()
        .join("\n")
}

/// `encoder_1` as part of a type's name: `Encoder1`.
fn camel(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let word = |word: &str| {
        let (first, rest) = word.split_at(1);
        format!("{}{rest}", first.to_uppercase())
    };
    let text: String = words.map(word).collect();
    if text.chars().any(char::is_lowercase) { text } else { format!("{text}Model") }
}

/// A name as a variable: in lower case.
pub fn variable(name: &str) -> String {
    ident(&name.to_lowercase(), Span::call_site()).to_string()
}

/// Names as variables that are all different.
fn unique<'n>(names: impl Iterator<Item = &'n str>, reserved: &HashSet<String>) -> Vec<String> {
    let mut taken = Names::default();
    reserved.iter().for_each(|word| _ = taken.take(word));
    names.map(|name| taken.fresh(&variable(name), &mut 0)).collect()
}

/// A layer that lowering creates: the name that it gets if nothing else is said, and the one that it has in Keras. Further calls of
/// an operation have none there.
struct Created<'n> {
    stem: String,
    name: Option<&'n str>,
}

/// The stem of a part's name: that of its class, or of the model's.
fn stem(stem: &str, constructor: &str) -> String {
    if stem.is_empty() {
        crate::naming::snake(constructor.split('(').next().unwrap_or(""))
    } else {
        stem.to_string()
    }
}

/// Which layers need `#[name = ".."]`, in order of creation. `model!` numbers the others (see `names::assign`).
fn explicit(created: &[Created<'_>]) -> Vec<bool> {
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

fn attribute(name: &str) -> String {
    format!("#[name = {}] ", Literal::string(name))
}

/// A body under way.
struct Body<'m> {
    model: &'m Model,
    constructors: &'m [String],
    /// Variables of the inputs.
    inputs: Vec<String>,
    /// Variables of the layers that are called several times.
    layers: HashMap<usize, String>,
    /// Variables of the values of each call; `_` for one that is not used.
    values: Vec<Vec<String>>,
    /// Which calls are the first of their part.
    first: Vec<bool>,
}

impl<'m> Body<'m> {
    fn new(model: &'m Model, constructors: &'m [String], given: &[String]) -> Body<'m> {
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
    fn print(&self) -> String {
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
