//! What architectures of real Keras become as source: `imports/NAME.json` is printed as `imports/NAME.txt` says, or refused with
//! what it says. `imports.py` makes the files of Keras.
//!
//! `KERAS_BLESS=1 cargo test -p keras-macros-core` writes the texts anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use keras_macros_core::import::{self, Content, Kind, Model, Shape};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imports")
}

fn model(name: &str) -> Result<Model, String> {
    let Content { config, has_weights } = import::open(&folder().join(format!("{name}.json")))?;
    assert!(!has_weights, "JSON has no weights");
    import::read(&config)
}

fn printed(name: &str, inputs: &[Shape]) -> Result<String, String> {
    model(name)?.text("Net", &format!("{name}.json"), inputs, None)
}

#[test]
fn texts() {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| {
            entry.unwrap().file_name().to_string_lossy().strip_suffix(".json").map(String::from)
        })
        .collect();
    names.sort();
    assert!(names.len() >= 12);
    for name in &names {
        let found = match printed(name, &[]) {
            Ok(text) => text,
            Err(message) => format!("refused: {message}\n"),
        };
        let path = folder().join(format!("{name}.txt"));
        if std::env::var_os("KERAS_BLESS").is_some() {
            fs::write(path, found).unwrap();
            continue;
        }
        let expected = fs::read_to_string(path).unwrap_or_default();
        assert!(expected == found, "`{name}` is another text now:\n{found}");
    }
}

/// The text is what `model!` takes: no stage of it reports a mistake, and layers have the names that they have in Keras.
#[test]
fn texts_are_models_with_the_names_of_the_file() {
    for name in [
        "perceptron",
        "values",
        "recurrent",
        "attention",
        "shared",
        "nested",
        "operators",
        "stand_ins",
        "words_as_names",
        "own_layers",
    ] {
        let text = printed(name, &[]).unwrap();
        let mut names = BTreeSet::new();
        for token in text.parse::<TokenStream>().unwrap() {
            let TokenTree::Group(group) = token else { continue };
            assert_eq!(group.delimiter(), Delimiter::Brace);
            let expanded = keras_macros_core::model::expand(group.stream()).to_string();
            assert!(!expanded.contains("compile_error"), "{name}: {expanded}");
            let layers = expanded.split("LayerSpec :: new (\"").skip(1);
            names.extend(layers.filter_map(|rest| rest.split('"').next()).map(String::from));
        }
        let missing: Vec<String> =
            layer_names(name).into_iter().filter(|layer| !names.contains(layer)).collect();
        assert!(missing.is_empty(), "{name}: {missing:?} of {names:?}");
    }
}

/// The names of all layers and operations of a file, without inputs and masks.
fn layer_names(name: &str) -> Vec<String> {
    fn collect(config: &serde_json::Value, names: &mut Vec<String>) {
        for layer in config["layers"].as_array().unwrap() {
            let is_mask = layer["class_name"] == "NotEqual";
            if layer["class_name"] != "InputLayer" && !is_mask {
                names.push(layer["config"]["name"].as_str().unwrap().to_string());
            }
            if layer["config"].get("layers").is_some() {
                collect(&layer["config"], names);
            }
        }
    }
    let content = import::open(&folder().join(format!("{name}.json"))).unwrap();
    let mut names = Vec::new();
    collect(&content.config["config"], &mut names);
    assert!(!names.is_empty());
    names
}

#[test]
fn open_shapes_are_filled_in() {
    let steps = Shape { dims: vec![Some(7), Some(5)], dtype: None };
    let text = printed("open_shape", &[steps]).unwrap();
    assert!(text.contains("pub Net(steps: [7, 5]) -> _ {"), "{text}");
    let four = Shape { dims: vec![Some(4)], dtype: None };
    assert!(printed("unbuilt", &[four]).unwrap().contains("pub Net([4]) -> _ = ["));
}

#[test]
fn the_table_of_layers_is_well_formed() {
    let classes = import::classes();
    let names: BTreeSet<&str> = classes.iter().map(|class| class.name).collect();
    assert_eq!(names.len(), classes.len(), "no class is listed twice");
    for class in classes {
        let fields = class.arguments.iter().chain(class.options.iter().map(|(field, _)| field));
        let mut seen = BTreeSet::new();
        for field in fields {
            assert!(field.kind != Kind::Unknown && seen.insert(field.name), "{}: {}", class.name, field.name);
        }
    }
}

/// Cut off at any place, or with any byte changed, a file is read or refused; nothing panics.
#[test]
fn damaged_files_are_refused() {
    let folder = std::env::temp_dir().join(format!("keras-import-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("net.json");
    let whole = fs::read(self::folder().join("nested.json")).unwrap();
    let read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        import::open(&path)
            .and_then(|content| import::read(&content.config))
            .and_then(|m| m.text("Net", "f", &[], None))
    };
    assert!(read(&whole).is_ok());
    for len in (0..whole.len()).step_by(97) {
        assert!(read(&whole[..len]).is_err(), "cut off at {len}");
    }
    for at in (0..whole.len()).step_by(31) {
        let mut changed = whole.clone();
        changed[at] = changed[at].wrapping_add(13);
        let _ = read(&changed);
    }
    let archive = damaged_archive();
    for len in 0..archive.len() {
        assert!(read(&archive[..len]).is_err(), "archive cut off at {len}");
    }
    for at in 0..archive.len() {
        for byte in [0, 0xff, archive[at].wrapping_add(1)] {
            let mut changed = archive.clone();
            changed[at] = byte;
            let _ = read(&changed);
        }
    }
    fs::remove_dir_all(folder).unwrap();
}

/// A whole archive whose `config.json` is `{}`: member, list of members, end.
fn damaged_archive() -> Vec<u8> {
    let name = b"config.json";
    let mut out = Vec::new();
    let sizes = |out: &mut Vec<u8>| {
        out.extend([0; 4]);
        out.extend(2u32.to_le_bytes());
        out.extend(2u32.to_le_bytes());
        out.extend((name.len() as u16).to_le_bytes());
        out.extend([0; 2]);
    };
    out.extend(b"PK\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00");
    sizes(&mut out);
    out.extend(name);
    out.extend(b"{}");
    let list = out.len() as u32;
    out.extend(b"PK\x01\x02\x14\x00\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00");
    sizes(&mut out);
    out.extend([0; 14]);
    out.extend(name);
    let end = out.len() as u32;
    out.extend(b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00");
    out.extend((end - list).to_le_bytes());
    out.extend(list.to_le_bytes());
    out.extend([0; 2]);
    out
}
