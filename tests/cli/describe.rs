//! Commands that describe: `summary`, `plot`, `bench`, `completions`, help.

use super::*;

#[test]
fn every_command_has_help_with_examples() {
    let place = Place::new("help");
    let all = place.keras("--help").ok();
    for command in
        ["summary", "predict", "evaluate", "fit", "convert", "import", "plot", "bench", "completions"]
    {
        assert!(all.contains(&format!("\n  {command} ")), "{command} is not listed:\n{all}");
        let help = place.keras(&format!("{command} --help")).ok();
        assert!(help.contains("Examples:") && help.contains(&format!("keras {command} ")), "{help}");
    }
}

/// The commands in a text: lines that begin with `keras`, with their continuations, without what the shell does with them.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(|line| line.trim().trim_start_matches("$ "));
    let own = lines.filter(|line| line.starts_with("keras ")).map(|line| {
        let end = line.find(['|', '>', '#']).unwrap_or(line.len());
        line["keras ".len()..end].trim().to_string()
    });
    own.collect()
}

#[test]
fn examples_use_options_that_there_are() {
    let place = Place::new("examples");
    let mut all = Vec::new();
    for command in ["summary", "predict", "evaluate", "fit", "convert", "plot", "bench", "completions"] {
        let help = place.keras(&format!("{command} --help")).ok();
        all.extend(commands(help.split("Examples:").nth(1).expect("it has examples")));
    }
    let examples = all.len();
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("book/src/cli.md");
    all.extend(commands(&std::fs::read_to_string(book).expect("the page is there")));
    assert!(examples > 20 && all.len() > examples + 8);
    for example in all {
        // The parser comes to the last option only if it takes those before it.
        let ran = place.keras(&format!("{example} --help"));
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "keras {example}");
    }
}

#[test]
fn a_model_is_printed_as_source() {
    let place = Place::new("import");
    let small = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/small/towers/model.keras");
    std::fs::copy(small, place.path("towers.keras")).expect("the file is there");
    let expected = "\
use keras::prelude::*;

model! {
    pub TowersTower(input_layer: [6]) -> [4] {
        Dense(4, activation = tanh)(input_layer)
    }
}

model! {
    /// `towers` of `towers.keras`.
    pub Towers(left: [6], right: [6]) -> [2] {
        let tower = TowersTower();
        let tower_1 = tower(left);
        let tower_2 = tower(right);
        let subtract = tower_1 - tower_2;
        #[name = \"score\"] Dense(2)(subtract)
    }
}
";
    assert_eq!(place.keras("import towers.keras --name Towers").ok(), expected);
    let ran = place.keras("import towers.keras --name towers");
    assert_eq!((ran.status, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("upper camel case"), "{}", ran.err);
    // A shape that the file leaves open is asked for.
    let open = Path::new(env!("CARGO_MANIFEST_DIR")).join("keras-macros/core/tests/imports/open_shape.json");
    std::fs::copy(open, place.path("open.json")).expect("the file is there");
    let ran = place.keras("import open.json");
    assert!(ran.status == 1 && ran.err.contains("give one with --input-shape"), "{}", ran.err);
    let text = place.keras("import open.json --input-shape 10x5").ok();
    assert!(text.contains("pub Net(steps: [10, 5]) -> [3] {"), "{text}");
}

#[test]
fn a_summary_is_the_table_of_keras() -> keras::Result<()> {
    let place = Place::new("summary");
    let model = classifier(&place)?;
    let out = place.keras("summary net.keras").ok();
    for line in [
        "Model: \"classifier\"",
        "│ Layer (type)                    │ Output Shape           │       Param # │",
        "│ flatten (Flatten)               │ (None, 12)             │             0 │",
        "│ dense (Dense)                   │ (None, 16)             │           208 │",
        "│ batch_normalization             │ (None, 16)             │            64 │",
        " Trainable params: 325 (1.27 KB)",
        " Non-trainable params: 32 (128.00 B)",
        // Adam has two slots for each weight, and two numbers of its own.
        " Optimizer params: 652 (2.55 KB)",
        " Total params: 1,009 (3.94 KB)",
    ] {
        let line = line.replace('┃', "│");
        assert!(out.replace('┃', "│").contains(&line), "no line {line}\n{out}");
    }
    let json = place.keras("summary net.keras --json").json();
    assert_eq!(json["trainable_params"].as_u64().zip(json["non_trainable_params"].as_u64()), Some((325, 32)));
    assert_eq!(json["inputs"][0]["shape"], serde_json::json!([null, 4, 3]));
    assert_eq!(json["layers"][1]["class_name"], "Dense");
    assert_eq!(model.count_params(), Some(357));
    Ok(())
}

#[test]
fn open_dimensions_are_told_and_can_be_set() -> keras::Result<()> {
    let place = Place::new("open");
    text(&place)?;
    let out = place.keras("summary text.keras").ok();
    assert!(out.contains("(None, None, 8)") && out.contains("(None, 2)"), "{out}");
    let json = place.keras("summary text.keras --input-shape 7 --json").json();
    assert_eq!(json["layers"][0]["output_shapes"], serde_json::json!([[null, 7, 8]]));
    Ok(())
}

#[test]
fn branches_are_connected_in_the_table() -> keras::Result<()> {
    let place = Place::new("connected");
    ranker(&place)?;
    let json = place.keras("summary ranker.keras --json").json();
    let layer = |name: &str| {
        let mut all = json["layers"].as_array().expect("a list").iter();
        all.find(|layer| layer["name"] == name).expect("the layer")["inputs"].clone()
    };
    assert_eq!(layer("shared"), serde_json::json!(["user[0][0]", "item[0][0]"]));
    assert_eq!(layer("concatenate"), serde_json::json!(["shared[0][0]", "shared[1][0]"]));
    assert!(place.keras("summary ranker.keras --show-trainable").ok().contains("Trainable"));
    Ok(())
}

/// Whether a document is well-formed XML, as far as what the tool writes goes: tags nest, attributes are quoted, text is escaped.
fn well_formed(xml: &str) -> Result<usize, String> {
    let (mut open, mut rest, mut count) = (Vec::new(), xml, 0);
    while let Some((text, after)) = rest.split_once('<') {
        let entities = text.split('&').skip(1);
        for entity in entities {
            let known = ["amp;", "lt;", "gt;", "quot;"].iter().any(|known| entity.starts_with(known));
            if !known {
                return Err(format!("a bare ampersand in {text:?}"));
            }
        }
        if text.contains('>') && !open.is_empty() {
            return Err(format!("a bare > in {text:?}"));
        }
        let (tag, after) = after.split_once('>').ok_or("a tag that does not end")?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes another tag"));
            }
            continue;
        }
        count += 1;
        let body = tag.strip_suffix('/').unwrap_or(tag);
        let (name, attributes) = body.split_once(' ').unwrap_or((body, ""));
        if attributes.matches('"').count() % 2 == 1 || attributes.contains('<') {
            return Err(format!("the attributes of <{tag}>"));
        }
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    if open.is_empty() { Ok(count) } else { Err(format!("{open:?} are not closed")) }
}

#[test]
fn pictures_are_well_formed_whatever_the_names() -> keras::Result<()> {
    let place = Place::new("plot");
    let mut model = Sequential::new([3])
        .name("a<b>&\"c\"")
        .add_shared(Shared::new(Dense::new(2)).name("x<y & z>\"q\""))
        .add(Dense::new(1))
        .build(Device::default())?;
    model.predict(&[waves(&[1, 3], 0.0)])?;
    model.save(place.path("odd.keras"))?;
    ranker(&place)?;
    text(&place)?;
    for name in ["odd", "ranker", "text"] {
        place.keras(&format!("plot {name}.keras {name}.svg")).ok();
        let svg = place.read(&format!("{name}.svg"));
        assert!(well_formed(&svg).expect("well-formed") > 10);
        assert_eq!(place.keras(&format!("plot {name}.keras -")).ok(), svg);
    }
    assert!(place.read("odd.svg").contains("x&lt;y &amp; z&gt;&quot;q&quot;"));
    assert!(place.read("text.svg").contains("(None, None, 8)"));
    // A shared layer has a box for each call.
    assert_eq!(place.read("ranker.svg").matches("shared (Dense)").count(), 2);
    let dot = place.keras("plot ranker.keras - --format dot").ok();
    assert!(dot.starts_with("digraph \"ranker\" {") && dot.matches(" -> ").count() == 8, "{dot}");
    Ok(())
}

/// A model that calls a model on what it yields.
const TWICE: &str = r#"{"class_name": "Functional", "config": {"name": "twice", "layers": [
    {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, 6]}, "name": "x", "inbound_nodes": []},
    {"class_name": "Sequential", "name": "tower", "config": {"name": "tower", "layers": [
        {"class_name": "InputLayer", "config": {"name": "inner", "batch_shape": [null, 6]}},
        {"class_name": "Dense", "config": {"name": "one", "units": 4}},
        {"class_name": "Dense", "config": {"name": "two", "units": 6}}]},
     "inbound_nodes": [
        {"args": [{"class_name": "__keras_tensor__", "config": {"shape": [null, 6], "keras_history": ["x", 0, 0]}}], "kwargs": {}},
        {"args": [{"class_name": "__keras_tensor__", "config": {"shape": [null, 6], "keras_history": ["tower", 0, 0]}}],
         "kwargs": {}}]}],
    "input_layers": [["x", 0, 0]], "output_layers": [["tower", 1, 0]]}}"#;

#[test]
fn nested_models_are_opened() {
    let place = Place::new("nested");
    place.write("twice.json", TWICE);
    place.keras("convert twice.json twice.keras").ok();
    let rows = |arguments: &str| place.keras(arguments).ok().matches("(Dense)").count();
    assert_eq!((rows("summary twice.keras"), rows("summary twice.keras --expand-nested")), (0, 2));
    assert_eq!((rows("plot twice.keras -"), rows("plot twice.keras - --expand-nested")), (0, 4));
    assert!(well_formed(&place.keras("plot twice.keras - --expand-nested").ok()).is_ok());
    assert!(
        place.keras("plot twice.keras - --format dot --expand-nested").ok().contains("subgraph cluster_n1")
    );
}

#[test]
fn a_benchmark_tells_times_operations_and_memory() -> keras::Result<()> {
    let place = Place::new("bench");
    classifier(&place)?;
    text(&place)?;
    ranker(&place)?;
    let json = place.keras("bench net.keras --batch-size 8 --steps 4 --warmup 1 --threads 1 --json").json();
    let [predict, train] = &json["measured"].as_array().expect("a list")[..] else { panic!("{json}") };
    // 2 (12 16 + 16 5) for a sample; a step adds both gradients, but for that of the input.
    assert_eq!(predict["flop"], serde_json::json!(8.0 * 544.0));
    assert_eq!(train["flop"], serde_json::json!(8.0 * (2.0 * 384.0 + 3.0 * 160.0)));
    for measured in [predict, train] {
        let time = |key: &str| measured["seconds"][key].as_f64().expect("a number");
        assert!(0.0 < time("min") && time("min") <= time("lower_quartile"));
        assert!(time("lower_quartile") <= time("median") && time("median") <= time("upper_quartile"));
        assert_eq!(measured["seconds"]["count"], 4);
    }
    assert_eq!(json["bytes"]["weights"], 357 * 4);
    for name in ["text", "ranker"] {
        let out = place.keras(&format!("bench {name}.keras --steps 2 --warmup 0")).ok();
        assert!(out.contains("training step") && out.contains("GFLOP/s"), "{out}");
    }
    Ok(())
}

#[test]
fn completions_are_there_for_every_shell() {
    let place = Place::new("completions");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.keras(&format!("completions {shell}")).ok();
        assert!(script.contains("early-stopping") && script.contains("convert"), "{shell}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() -> keras::Result<()> {
    let place = Place::new("pipe");
    classifier(&place)?;
    for arguments in ["completions bash", "summary net.keras", "predict net.keras x.npz -", "--help"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_keras"))
            .args(arguments.split(' '))
            .current_dir(&place.0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("run the tool");
        drop(child.stdout.take());
        let done = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!((done.status.code(), said.as_str()), (Some(0), ""), "{arguments}");
    }
    Ok(())
}
