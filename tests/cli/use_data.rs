//! Data in and out: `predict`, `evaluate`.

use keras::training::EvaluateOptions;

use super::*;

fn floats(array: &Array) -> Vec<f32> {
    array.to_f64().iter().map(|v| *v as f32).collect()
}

/// The same numbers in each format give the same predictions, and predictions are the same numbers in each format.
#[test]
fn formats_of_data_agree() -> keras::Result<()> {
    let place = Place::new("formats");
    let mut model = classifier(&place)?;
    let x = &place.arrays("x.npz")[0].1;
    let expected = model.predict(std::slice::from_ref(x))?.remove(0);
    npz::write_npy(place.path("x.npy"), x)?;
    let rows: Vec<String> = floats(x)
        .chunks(12)
        .map(|row| row.iter().map(f32::to_string).collect::<Vec<_>>().join(","))
        .collect();
    place.write("x.csv", &rows.join("\n"));
    let header: Vec<String> = (0..12).map(|i| format!("column {i}")).collect();
    place.write("headed.csv", &format!("{}\n{}\n", header.join(","), rows.join("\n")));
    let lists: Vec<Vec<Vec<f32>>> =
        floats(x).chunks(12).map(|s| s.chunks(3).map(<[f32]>::to_vec).collect()).collect();
    place.write("x.json", &serde_json::json!({"any name": lists}).to_string());
    place.write("plain.json", &serde_json::json!(lists).to_string());
    for input in ["x.npz", "x.npy", "x.csv", "headed.csv", "x.json", "plain.json"] {
        place.keras(&format!("predict net.keras {input} out.npz --batch-size 7")).ok();
        let [(name, found)] = &place.arrays("out.npz")[..] else { panic!("one output") };
        assert_eq!((name.as_str(), floats(found)), ("y", floats(&expected)), "{input}");
    }
    place.keras("predict net.keras x.npz out.npy").ok();
    assert_eq!(place.arrays("out.npy")[0].1, expected);
    place.keras("predict net.keras x.npz out.csv").ok();
    let csv = place.read("out.csv");
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("y_0,y_1,y_2,y_3,y_4"));
    let found: Vec<f32> =
        lines.flat_map(|line| line.split(',')).map(|v| v.parse().expect("a number")).collect();
    assert_eq!(found, floats(&expected));
    place.keras("predict net.keras x.npz out.json").ok();
    let printed = place.keras("predict net.keras x.npz -").json();
    assert_eq!(printed, serde_json::from_str::<Value>(&place.read("out.json")).expect("JSON"));
    let found =
        printed["y"].as_array().expect("a list").iter().flat_map(|row| row.as_array().expect("a list"));
    assert_eq!(found.map(|v| v.as_f64().expect("a number") as f32).collect::<Vec<_>>(), floats(&expected));
    Ok(())
}

#[test]
fn several_inputs_and_outputs_go_by_name() -> keras::Result<()> {
    let place = Place::new("several");
    let mut model = ranker(&place)?;
    let (user, item) = (waves(&[5, 6], 0.0), waves(&[5, 6], 2.0));
    let expected = model.predict(&[user.clone(), item.clone()])?;
    npz::write(place.path("both.npz"), [("item", &item), ("user", &user)])?;
    npz::write_npy(place.path("u.npy"), &user)?;
    npz::write_npy(place.path("i.npy"), &item)?;
    for inputs in ["both.npz", "item=i.npy user=u.npy"] {
        place.keras(&format!("predict ranker.keras {inputs} out.npz")).ok();
        let found = place.arrays("out.npz");
        assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["score", "aux"]);
        assert!(found.iter().zip(&expected).all(|((_, found), expected)| found == expected));
    }
    Ok(())
}

#[test]
fn whole_numbers_of_any_length() -> keras::Result<()> {
    let place = Place::new("whole");
    let mut model = text(&place)?;
    place.write("x.json", "[[1, 2, 3], [49, 0, 7]]");
    let x = Array::of(vec![2, 3], DType::I32, &[1.0, 2.0, 3.0, 49.0, 0.0, 7.0]);
    place.keras("predict text.keras x.json out.npy").ok();
    assert_eq!(place.arrays("out.npy")[0].1, model.predict(&[x])?[0]);
    Ok(())
}

#[test]
fn classes_are_named() -> keras::Result<()> {
    let place = Place::new("top");
    let mut model = classifier(&place)?;
    place.write("names.txt", "ant\nbee\ncat\ndog\neel\n");
    let scores = model.predict(&[place.arrays("x.npz")[0].1.clone()])?.remove(0);
    let all = place.keras("predict net.keras x.npz top.json --top 2 --labels names.txt");
    all.ok();
    let found: Value = serde_json::from_str(&place.read("top.json")).expect("JSON");
    let found = found.as_array().expect("a list");
    assert_eq!(found.len(), 80);
    for (sample, row) in floats(&scores).chunks(5).enumerate() {
        let mut order: Vec<usize> = (0..5).collect();
        order.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
        for rank in 0..2 {
            let one = &found[sample * 2 + rank];
            assert_eq!((&one["sample"], &one["class"]), (&sample.into(), &order[rank].into()));
            assert_eq!(one["label"], ["ant", "bee", "cat", "dog", "eel"][order[rank]]);
        }
    }
    let table = place.keras("predict net.keras x.npz - --top 1").ok();
    assert_eq!(table.lines().count(), 42, "{table}");
    Ok(())
}

#[test]
fn evaluation_is_that_of_the_library() -> keras::Result<()> {
    let place = Place::new("evaluate");
    let mut model = classifier(&place)?;
    let (x, y) = (place.arrays("x.npz")[0].1.clone(), place.arrays("y.npz")[0].1.clone());
    let options =
        || EvaluateOptions { verbose: keras::training::Verbose::Silent, ..EvaluateOptions::default() };
    let logs = model.evaluate(&[x], &[y], options())?;
    let json = place.keras("evaluate net.keras --x x.npz --y y.npz --json").json();
    for (name, value) in logs.iter() {
        assert_eq!(json[name].as_f64(), Some(value), "{name}");
    }
    let table = place.keras("evaluate net.keras --x x.npz --y y.npz").ok();
    assert!(table.contains(&format!("{:.6}", logs["loss"])) && table.contains("accuracy"), "{table}");
    // Another loss and other metrics than the file's, for a file that has none.
    let once = "--x x.npz --y y.npz --loss sparse_categorical_crossentropy --json";
    model.save_architecture(place.path("net.json"))?;
    model.save_weights(place.path("net.weights.h5"))?;
    let again = place.keras(&format!("evaluate net.json --weights net.weights.h5 {once}")).json();
    assert_eq!(again["loss"], json["loss"]);
    Ok(())
}

#[test]
fn threads_do_not_change_results() -> keras::Result<()> {
    let place = Place::new("threads");
    classifier(&place)?;
    let fit = |threads: usize| {
        let arguments = "fit net.keras --x x.npz --y y.npz --epochs 2 --seed 9 --quiet --save-weights";
        place.keras(&format!("{arguments} t{threads}.safetensors --threads {threads}")).ok();
        std::fs::read(place.path(&format!("t{threads}.safetensors"))).expect("it was saved")
    };
    assert_eq!(fit(1), fit(3));
    Ok(())
}

/// A PNG file.
fn write_png(path: &Path, width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) {
    let file = std::fs::File::create(path).expect("make a file");
    let mut encoder = png::Encoder::new(file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let pixels: Vec<u8> =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
    encoder.write_header().expect("write").write_image_data(&pixels).expect("write");
}

#[test]
fn images_become_samples() -> keras::Result<()> {
    let place = Place::new("images");
    let mut model =
        Sequential::new([2, 3, 3]).add(Flatten::new()).add(Dense::new(2)).build(Device::default())?;
    model.save(place.path("rgb.keras"))?;
    let pixel = |x: u32, y: u32| [(x * 40) as u8, (y * 90) as u8, (x + y) as u8];
    write_png(&place.path("a.png"), 3, 2, pixel);
    // Twice as large: nearest neighbours give the same image.
    write_png(&place.path("b.png"), 6, 4, |x, y| pixel(x / 2, y / 2));
    place.keras("predict rgb.keras a.png b.png out.npy --scale 0.5 --offset -1").ok();
    let values: Vec<f64> = (0..2)
        .flat_map(|y| (0..3).flat_map(move |x| pixel(x, y)))
        .map(|v| f64::from(v) * 0.5 - 1.0)
        .collect();
    let sample = Array::of(vec![2, 2, 3, 3], DType::F32, &[values.clone(), values].concat());
    assert_eq!(place.arrays("out.npy")[0].1, model.predict(&[sample])?[0]);
    place.write("broken.png", "not an image");
    let ran = place.keras("predict rgb.keras broken.png out.npy");
    assert!(ran.status == 1 && ran.err.contains("broken.png"), "{}", ran.err);
    Ok(())
}

/// A JPEG file that Pillow wrote: red grows to the right, green downwards, blue both ways.
#[test]
fn jpeg_images() -> keras::Result<()> {
    let place = Place::new("jpeg");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/ramp.jpg"), place.path("ramp.jpg"))
        .expect("copy");
    let model = Sequential::new([8, 8, 3]).add(keras::layers::Identity::new()).build(Device::default())?;
    model.save(place.path("same.keras"))?;
    place.keras("predict same.keras ramp.jpg out.npy").ok();
    let found = place.arrays("out.npy").remove(0).1;
    assert_eq!(found.shape, [1, 8, 8, 3]);
    for (at, value) in found.to_f64().into_iter().enumerate() {
        let (x, y) = ((at / 3 % 8) as f64, (at / 24) as f64);
        let expected = [x * 30.0, y * 30.0, (x + y) * 15.0][at % 3];
        // What JPEG loses at this quality: Pillow reads it with errors up to 2, another decoder rounds otherwise.
        assert!((value - expected).abs() <= 4.0, "{x} {y}: {value} instead of {expected}");
    }
    Ok(())
}
