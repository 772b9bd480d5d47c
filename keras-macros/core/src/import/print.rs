//! A [`Model`] as the text of `model!`.

use std::collections::HashSet;

use proc_macro2::Span;

use super::Result;
use super::body::{Body, Created, attribute, explicit, stem};
use super::model::{Kind, Model, Shape, Shapes};
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
                Kind::Model(model, trainable) | Kind::Steps(model, trainable) => {
                    let each_step = matches!(part.kind, Kind::Steps(..));
                    let own = if each_step { &model.name } else { &part.name };
                    let inner = taken.fresh(&format!("{name}{}", camel(own)), &mut 0);
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
                    match (each_step, *trainable) {
                        (false, true) => format!("{inner}()"),
                        (false, false) => format!("{inner}(trainable = false)"),
                        (true, true) => format!("TimeDistributed({inner})"),
                        (true, false) => format!("TimeDistributed({inner}, trainable = false)"),
                    }
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
