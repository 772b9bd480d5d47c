//! The usual mistakes with files: each is told in one readable line, with the path, what was found and what to do.

use std::fs;
use std::path::{Path, PathBuf};

use keras::Result;
use keras::graph::{load_model, model_from_json};

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/files")
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(files().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// A ZIP archive of one member.
fn archive(name: &str) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("in memory");
    zip.write_all(b"content").expect("in memory");
    zip.finish().expect("in memory").into_inner()
}

fn safetensors() -> Vec<u8> {
    let header = br#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    [&(header.len() as u64).to_le_bytes()[..], header, &[0; 4]].concat()
}

/// Opens as a model.
fn model(path: &Path) -> Result<()> {
    load_model(path).map(drop)
}

/// Loads as weights.
fn weights(path: &Path) -> Result<()> {
    let json = String::from_utf8(bytes("plain.json")).expect("text");
    model_from_json(&json).expect("well formed").load_weights(path)
}

#[test]
fn every_mistake_is_told() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mistakes");
    let _ = fs::remove_dir_all(&folder);
    for name in ["saved", "checkpoints", "empty", "half", "there"] {
        fs::create_dir_all(folder.join(name)).expect("a folder for the test");
    }
    for (name, content) in [
        ("saved/saved_model.pb", &b"\x08\x01\x12"[..]),
        ("checkpoints/checkpoint", b"model_checkpoint_path: \"ckpt-1\""),
        ("half/config.json", b"{}"),
        ("there/net.h5", b""),
        ("there/other.keras", b""),
    ] {
        fs::write(folder.join(name), content).expect("can be written");
    }
    let plain = bytes("plain.keras");
    let html = b"<!DOCTYPE html><html><body>404</body></html>".to_vec();
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n".to_vec();
    let onnx = b"\x08\x07\x12\x07pytorch\x1a\x052.0.1".to_vec();
    let pickle = b"\x80\x02}q\x00.".to_vec();
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00".to_vec();
    let index = br#"{"metadata": {}}"#.to_vec();
    type Open = fn(&Path) -> Result<()>;
    // What it is called (a file that is made of these bytes, if there are any), how it is opened, words of the error.
    let table: Vec<(&str, Option<Vec<u8>>, Open, &[&str])> = vec![
        // Nothing there.
        ("there/net.keras", None, model, &["no such file", "the folder has `net.h5`, `other.keras`"]),
        ("nowhere/net.keras", None, model, &["no such file", "nor a folder"]),
        ("empty/net", None, model, &["no such file"]),
        ("empty/w.weights.h5", None, weights, &["no such file"]),
        ("empty/net.pt", None, model, &["no such file"]),
        // Folders.
        ("there", None, model, &["not the folder of a model", "`config.json`", "`other.keras`"]),
        ("empty", None, model, &["not the folder of a model", "`config.json`"]),
        ("half", None, model, &["lacks `model.weights.h5`"]),
        ("half", None, weights, &["lacks `model.weights.h5`"]),
        ("saved", None, model, &["SavedModel", "`.keras`"]),
        ("checkpoints", None, model, &["checkpoints", "`.keras`"]),
        // Empty, cut off, still being written.
        ("e.keras", Some(vec![]), model, &["is empty", "interrupted"]),
        ("e.h5", Some(vec![]), model, &["is empty"]),
        ("e.json", Some(vec![]), model, &["is empty"]),
        ("e.safetensors", Some(vec![]), weights, &["is empty"]),
        ("z.h5", Some(vec![0; 4096]), model, &["zeros", "interrupted"]),
        (
            "cut.keras",
            Some(plain[..plain.len() / 2].to_vec()),
            model,
            &["14643 bytes", "cut off", "being written"],
        ),
        ("cut.h5", Some(bytes("plain.h5")[..9000].to_vec()), model, &["cut off", "9000 bytes of"]),
        (
            "cut.json",
            Some(bytes("plain.json")[..900].to_vec()),
            model,
            &["JSON is cut off", "line 1 column 900"],
        ),
        // The right file by the wrong name.
        ("a.keras", Some(bytes("plain.h5")), model, &["an HDF5 file", "`.h5`"]),
        ("a.h5", Some(plain.clone()), model, &["a `.keras` archive", "call it `.keras`"]),
        ("b.keras", Some(bytes("plain.json")), model, &["text in JSON", "`.json`"]),
        ("a.json", Some(plain.clone()), model, &["a `.keras` archive"]),
        ("c.keras", Some(safetensors()), model, &["safetensors", "`load_weights`"]),
        ("noext", Some(plain.clone()), model, &["a `.keras` archive", "call it `.keras`"]),
        // Weights where a model is expected, and the other way round.
        ("a.weights.h5", Some(bytes("plain.weights.h5")), model, &["weights alone", "`load_weights`"]),
        ("w.h5", Some(bytes("keras2_plain_weights.h5")), model, &["weights alone", "`load_weights`"]),
        ("v.h5", Some(bytes("plain.weights.h5")), model, &["weights alone", "`load_weights`"]),
        ("w.safetensors", Some(safetensors()), model, &["weights alone", "`load_weights`"]),
        ("w.json", Some(bytes("plain.json")), weights, &["architecture alone", "`.weights.h5`"]),
        ("x.weights.h5", Some(bytes("plain.json")), weights, &["text in JSON"]),
        ("x.weights.json", Some(bytes("plain.json")), weights, &["`weight_map`", "not the index"]),
        ("y.weights.json", Some(index), weights, &["`weight_map`", "not the index"]),
        ("x.safetensors", Some(bytes("plain.weights.h5")), weights, &["an HDF5 file", "`.weights.h5`"]),
        // Files of others.
        ("n.pt", Some(archive("net/data.pkl")), model, &["PyTorch", "safetensors"]),
        ("n.pth", Some(pickle.clone()), weights, &["pickle", "never run", "safetensors"]),
        ("n.keras", Some(archive("net/data.pkl")), model, &["PyTorch", "safetensors"]),
        ("n.onnx", Some(onnx), model, &["ONNX"]),
        ("n.npz", Some(archive("x.npy")), model, &["NumPy", "data, not a model"]),
        ("n.npy", Some(b"\x93NUMPY\x01\0".to_vec()), model, &["NumPy", "data, not a model"]),
        ("n.tflite", Some(b"\x20\0\0\0TFL3\0\0\0\0".to_vec()), model, &["TensorFlow Lite"]),
        ("n.gguf", Some(b"GGUF\x03\0\0\0".to_vec()), model, &["GGUF"]),
        ("n.zip", Some(archive("a.txt")), model, &["ZIP archive", "unpack"]),
        ("g.keras", Some(gzip), model, &["gzip", "unpack"]),
        ("n.xyz", Some(b"something".to_vec()), model, &["extension", ".keras"]),
        ("h.keras", Some(html), model, &["a web page", "download"]),
        ("l.h5", Some(lfs), model, &["Git LFS", "`git lfs pull`"]),
        ("p.keras", Some(archive("config.txt")), model, &["lacks `config.json`"]),
        ("o.json", Some(b"[1, 2]".to_vec()), model, &["`class_name`", "`model.to_json()`"]),
        // HDF5 files of others: data, or of Keras before its second version.
        ("d.h5", Some(bytes("many.weights.h5")), model, &["weights alone"]),
    ];
    for (name, content, open, words) in table {
        let path = folder.join(name);
        if let Some(content) = content {
            fs::write(&path, content).expect("can be written");
        }
        let error = open(&path).expect_err(name).to_string();
        println!("{}", error.replace(&format!("{}/", folder.display()), ""));
        assert!(error.contains(name), "{name}: {error}");
        assert!(!error.contains('\n') && error.len() < 400 + path.as_os_str().len(), "{name}: {error}");
        for word in words {
            assert!(error.contains(word), "{name}: `{word}` in {error}");
        }
    }
}
