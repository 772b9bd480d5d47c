//! What goes wrong: one readable line, and a status.

use super::*;

#[test]
fn failures_are_one_line_with_the_cause() -> keras::Result<()> {
    let place = Place::new("errors");
    classifier(&place)?;
    ranker(&place)?;
    npz::write_npy(place.path("wrong.npy"), &waves(&[40, 5], 0.0))?;
    npz::write_npy(place.path("few.npy"), &waves(&[3, 4, 3], 0.0))?;
    place.write("junk.keras", "this is not a file of Keras");
    place.write("junk.npz", "nor this");
    place.write("words.csv", "1,2\n3,many\n");
    place.write("words.json", r#"{"x": ["a"]}"#);
    place.write("names.txt", "one\ntwo\n");
    place.keras("convert net.keras net.weights.h5").ok();
    std::fs::create_dir(place.path("empty")).expect("make a folder");
    let cut = std::fs::read(place.path("net.keras")).expect("read");
    std::fs::write(place.path("cut.keras"), &cut[..cut.len() / 2]).expect("write");
    // What a command is told; its status; what its line has in it.
    let cases: &[(&str, i32, &[&str])] = &[
        ("summary missing.keras", 1, &["missing.keras", "no such file"]),
        ("summary junk.keras", 1, &["junk.keras"]),
        ("summary cut.keras", 1, &["cut.keras"]),
        ("summary empty", 1, &["empty"]),
        ("summary net.weights.h5", 1, &["net.weights.h5", "weights"]),
        ("summary x.npz", 1, &["x.npz", "data, not a model"]),
        ("summary net.keras --input-shape 3xa", 2, &["--input-shape 3xa"]),
        ("predict net.keras missing.npz out.npz", 1, &["missing.npz", "no such file"]),
        ("predict net.keras junk.npz out.npz", 1, &["junk.npz"]),
        ("predict net.keras net.keras out.npz", 1, &["net.keras", ".npz"]),
        ("predict net.keras words.csv out.npz", 1, &["words.csv", "line 2", "many"]),
        ("predict net.keras words.json out.npz", 1, &["words.json", "strings"]),
        ("predict net.keras wrong.npy out.npz", 1, &["[4, 3]", "5"]),
        ("predict net.keras x.npz out.xyz", 2, &["out.xyz", ".npz"]),
        ("predict net.keras x.npz no/such/folder/out.npz", 1, &["no/such/folder"]),
        ("predict net.keras x.npz out.npz --batch-size 0", 2, &["--batch-size"]),
        ("predict ranker.keras x.npz out.npz", 1, &["user"]),
        ("predict ranker.keras user=wrong.npy thing=wrong.npy out.npz", 1, &["item"]),
        ("predict ranker.keras user=x.npz item=x.npz out.npy", 1, &["shape"]),
        ("predict net.keras x.npz out.npz --top 3", 2, &["--top"]),
        ("predict net.keras x.npz - --top 3 --labels names.txt", 1, &["names.txt", "2 lines", "5 classes"]),
        ("predict net.keras x.npz - --labels names.txt", 2, &["--top"]),
        ("evaluate net.keras --x x.npz", 2, &["--y"]),
        ("evaluate net.keras --x few.npy --y y.npz", 1, &["3", "40"]),
        ("evaluate net.keras --x x.npz --y y.npz --loss nonsense", 2, &["--loss", "nonsense"]),
        ("evaluate net.keras --x x.npz --y y.npz --metrics nonsense", 2, &["--metrics", "nonsense"]),
        ("fit net.keras --x x.npz --y few.npy", 1, &["3"]),
        ("fit net.keras --x x.npz --y y.npz --optimizer nonsense", 2, &["--optimizer", "nonsense"]),
        ("fit net.keras --x x.npz --y y.npz --learning-rate=-1", 2, &["--learning-rate"]),
        ("fit net.keras --x x.npz --y y.npz --validation-split 1.5", 1, &["validation_split"]),
        ("fit net.keras --x x.npz --y y.npz --batch-log log.jsonl", 2, &["--shuffle false"]),
        ("fit net.keras --x x.npz --y y.npz --class-weight names.txt", 1, &["names.txt", "JSON"]),
        ("convert net.keras net.onnx", 2, &["net.onnx", ".safetensors"]),
        ("convert net.weights.h5 net.keras", 1, &["net.weights.h5", "--weights"]),
        ("convert net.keras out.json --dtype float16", 2, &["--dtype"]),
        ("convert net.keras out.keras --architecture-only", 2, &["--architecture-only"]),
        ("convert net.keras out.keras --weights-only", 2, &["--weights-only"]),
        ("convert net.keras out.keras --max-shard-size 1GB", 2, &["--max-shard-size"]),
        ("convert net.keras out.weights.json --max-shard-size much", 2, &["--max-shard-size"]),
        ("convert ranker.keras out.keras --weights net.weights.h5", 1, &["net.weights.h5"]),
        ("plot net.keras net.png", 2, &["net.png", ".svg"]),
        ("bench net.keras --steps 0", 2, &["--steps"]),
        ("completions tcsh", 2, &["tcsh"]),
        ("frobnicate", 2, &["frobnicate"]),
        ("summary net.keras --threads 0", 2, &["--threads"]),
    ];
    let before = std::fs::read(place.path("net.keras")).expect("read");
    for (arguments, status, parts) in cases {
        let ran = place.keras(arguments);
        assert_eq!(ran.status, *status, "{arguments}: {}", ran.err);
        assert!(!ran.err.contains("panicked") && ran.out.is_empty(), "{arguments}: {} {}", ran.out, ran.err);
        for part in *parts {
            assert!(ran.err.contains(part), "{arguments}: no `{part}` in {}", ran.err);
        }
        // The parser of the command line adds how a command is used.
        let own = ran.err.starts_with("keras: ");
        assert!((*status == 2 && !own) || (own && ran.err.lines().count() == 1), "{arguments}: {}", ran.err);
    }
    assert_eq!(std::fs::read(place.path("net.keras")).expect("read"), before, "no failure touches the model");
    Ok(())
}

/// Names come from files, and files may have anything in them.
#[test]
fn control_characters_in_names_stay_on_one_line() -> keras::Result<()> {
    let place = Place::new("control");
    place.write(
        "odd.json",
        r#"{"class_name": "Functional", "config": {"name": "a\nb\u001b[31m", "layers": [{"class_name": "Nonsense\nSense",
            "config": {"name": "x\r\ny"}, "name": "x\r\ny", "inbound_nodes": []}], "input_layers": [], "output_layers": []}}"#,
    );
    let ran = place.keras("summary odd.json");
    assert_eq!((ran.status, ran.err.lines().count()), (1, 1), "{}", ran.err);
    assert!(!ran.err.contains('\u{1b}'));
    Ok(())
}
