//! Imports cases as source: those in `small/`, and those of the conformance set in the folder that `KERAS_CASES` names.
//!
//! What cannot be imported is written down with its reason; the test holds it against `known_failures.txt`.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use keras_macros_core::import::{self, Content, Model, Shape, Shapes};
use serde_json::Value;

/// The groups of cases whose models have layers of their own to show.
const GROUPS: &[&str] = &[
    "core",
    "conv",
    "pooling",
    "norm",
    "reshaping",
    "merging",
    "activation_layers",
    "regularization",
    "topology",
    "attention",
    "rnn",
];
/// Of so many cases one is opened by `model!` itself, too.
const FROM_FILE: usize = 8;

fn main() {
    println!("cargo::rerun-if-env-changed=KERAS_CASES");
    println!("cargo::rerun-if-changed=small");
    println!("cargo::rerun-if-changed=known_failures.txt");
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let mut cases = folders(&package.join("small"), "small");
    if let Some(set) = env::var_os("KERAS_CASES") {
        for group in GROUPS {
            let group_folder = Path::new(&set).join(group);
            println!("cargo::rerun-if-changed={}", group_folder.display());
            cases.extend(folders(&group_folder, group));
        }
    }
    let known = fs::read_to_string(package.join("known_failures.txt")).expect("beside this file");
    // What is known not to compile would take the others with it.
    let excluded = |name: &str| {
        known.lines().any(|l| l.split(" # ").next() == Some(name) && l.contains("# does not compile"))
    };
    let (mut code, mut list, mut refused) = (String::new(), String::new(), String::new());
    for (at, (name, folder)) in cases.iter().enumerate() {
        if excluded(name) {
            continue;
        }
        match case(name, folder, at % FROM_FILE == 0) {
            Ok((modules, entries)) => {
                code += &modules;
                list += &entries;
            }
            Err(error) => writeln!(refused, "    ({name:?}, {error:?}),").expect("in memory"),
        }
    }
    code += &format!("/// All cases.\npub const CASES: &[crate::Case] = &[\n{list}];\n");
    code += &format!(
        "/// Cases that cannot be imported, and why.\npub const REFUSED: &[(&str, &str)] = &[\n{refused}];\n"
    );
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    fs::write(out.join("cases.rs"), code).expect("the build folder can be written");
    fs::write(out.join("operations.rs"), operations(&package.join("../fixtures/operations.json")))
        .expect("the build folder can be written");
}

/// The models of the fixture of operations as source.
fn operations(fixture: &Path) -> String {
    println!("cargo::rerun-if-changed={}", fixture.display());
    let json = fs::read_to_string(fixture).expect("the fixture");
    let json: Value = serde_json::from_str(&json).expect("valid JSON");
    let (mut code, mut list, mut refused) = (String::new(), String::new(), String::new());
    for case in json["cases"].as_array().expect("a list of cases") {
        let name = case["name"].as_str().expect("a name");
        match import::read(&case["config"]).and_then(|model| model.text("Net", "operations.json", &[], None))
        {
            Ok(text) => {
                let docs = format!("/// The case `{name}`.\n#[allow(missing_docs)]\n");
                writeln!(code, "{docs}pub mod of_{name} {{\nuse keras::prelude::*;\n{text}}}")
                    .expect("in memory");
                writeln!(list, "    ({name:?}, crate::operation::<of_{name}::Net>),").expect("in memory");
            }
            Err(error) => writeln!(refused, "    ({name:?}, {error:?}),").expect("in memory"),
        }
    }
    code += &format!("/// All cases.\npub const CASES: &[(&str, crate::Run)] = &[\n{list}];\n");
    code + &format!(
        "/// Cases that cannot be imported, and why.\npub const REFUSED: &[(&str, &str)] = &[\n{refused}];\n"
    )
}

/// The cases in a folder, by name.
fn folders(of: &Path, group: &str) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(of).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let cases = entries.iter().map(|entry| entry.path()).filter(|path| path.join("model.keras").exists());
    cases
        .map(|path| (format!("{group}/{}", path.file_name().unwrap_or_default().to_string_lossy()), path))
        .collect()
}

/// A case's modules, and their entries in the list.
fn case(name: &str, folder: &Path, from_file: bool) -> Result<(String, String), String> {
    let file = folder.join("model.keras");
    let Content { config, .. } = import::open(&file)?;
    let model = import::read(&config)?;
    let json = fs::read_to_string(folder.join("case.json")).map_err(|e| e.to_string())?;
    let json: Value = serde_json::from_str(&json).map_err(|e| e.to_string())?;
    let (inputs, outputs) = (shapes(&model, &json), output_shapes(&model, &json));
    let known = Shapes { outputs: outputs.clone(), ..Shapes::default() };
    let module = name.replace(['/', '-'], "_");
    let names = |names: Vec<&str>| format!("{names:?}");
    let input_names = names(model.inputs.iter().map(|input| &input.name[..]).collect());
    let output_names = names(model.outputs.iter().map(|(name, _)| &name[..]).collect());
    let entry = |module: &str, model: &str| {
        format!(
            "    crate::Case {{ name: {name:?}, module: {module:?}, folder: {folder:?}, inputs: &{input_names}, \
             outputs: &{output_names}, run: |case| {{ let mut model: keras::model::Model<{module}::Net> = {model}; \
             crate::predict::<{module}::Net>(case, |x| model.predict(x)) }} }},\n"
        )
    };
    let within = |module: &str, text: &str| {
        format!(
            "/// The case `{name}`.\n#[allow(missing_docs)]\npub mod {module} {{\nuse keras::prelude::*;\n{text}}}\n"
        )
    };
    let text = model.text("Net", "model.keras", &inputs, Some(&known))?;
    let (mut modules, mut entries) = (within(&module, &text), entry(&module, "crate::load(case)?"));
    if from_file {
        let port = |shape: &Shape| {
            let dims: Vec<String> = shape.dims.iter().map(|d| d.unwrap_or(0).to_string()).collect();
            format!("[{}{}]", shape.dtype.map(|d| format!("{d}; ")).unwrap_or_default(), dims.join(", "))
        };
        let ports = |shapes: &[Shape], kind: &str| match shapes {
            [one] => port(one),
            several => {
                let ports =
                    several.iter().enumerate().map(|(at, shape)| format!("{kind}{at}: {}", port(shape)));
                ports.collect::<Vec<_>>().join(", ")
            }
        };
        let inputs = ports(&inputs, "in");
        let outputs = match outputs.len() {
            1 => ports(&outputs, "out"),
            _ => format!("({})", ports(&outputs, "out")),
        };
        let module = format!("{module}_file");
        modules += &within(&module, &format!("model! {{ pub Net({inputs}) -> {outputs} = {file:?} }}\n"));
        entries += &entry(&module, &format!("{module}::Net::pretrained(keras::Device::default())?"));
    }
    Ok((modules, entries))
}

/// The shapes of samples among a case's inputs, in the order of the model's.
fn shapes(model: &Model, case: &Value) -> Vec<Shape> {
    let listed = case["inputs"].as_array().expect("a list of inputs");
    let shape = |at: usize, name: &str, dtype| {
        let one = listed.iter().find(|input| input["name"] == name).unwrap_or(&listed[at]);
        Shape { dims: dims(one), dtype }
    };
    if model.inputs.is_empty() {
        return vec![shape(0, "", None)];
    }
    model.inputs.iter().enumerate().map(|(at, input)| shape(at, &input.name, input.shape.dtype)).collect()
}

fn output_shapes(model: &Model, case: &Value) -> Vec<Shape> {
    let listed = case["outputs"].as_array().expect("a list of outputs");
    let shape = |(at, (name, _)): (usize, &(String, _))| {
        let one = listed
            .iter()
            .find(|output| output["name"] == **name)
            .unwrap_or(&listed[at.min(listed.len() - 1)]);
        Shape { dims: dims(one), dtype: None }
    };
    model.outputs.iter().enumerate().map(shape).collect()
}

fn dims(port: &Value) -> Vec<Option<usize>> {
    let shape = port["shape"].as_array().expect("a shape");
    shape.iter().skip(1).map(|dim| dim.as_u64().map(|dim| dim as usize)).collect()
}
