//! Hostile files: cut off, with flipped bits, bombs, lies about sizes, cycles, code. Always an `Err` or a model, never a panic,
//! never memory beyond the file's size times a constant.
//!
//! The tests are one after the other in one function: the allocator counts for the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Cursor, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use keras::Device;
use keras::graph::{LoadedModel, load_model};
use keras::layers::Registry;
use keras::saving::{self, Bytes, Format, Saved, npz};

/// Bytes that are taken now, and the most since it was last set.
static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

struct Counting;

fn take(bytes: usize) {
    let now = NOW.fetch_add(bytes, Relaxed) + bytes;
    MOST.fetch_max(now, Relaxed);
}

// SAFETY: hands everything to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often reading may exceed the file's size: packed members (64) and values of JSON (some 70) take the most.
const TIMES: usize = 128;
/// What small files may take all the same.
const FLOOR: usize = 16 << 20;
/// How long the mutations may take.
const TIME: Duration = Duration::from_secs(20);
/// How many mutations are enough.
const MUTATIONS: usize = 20_000;

/// Reads bytes as a format: what is wrong with them, if anything is.
fn read(bytes: &[u8], format: Format) -> Result<(), String> {
    let bytes = Bytes::from(bytes.to_vec()).shared();
    match format {
        // A legacy file may hold weights alone.
        Format::LegacyH5 => {
            let _ = saving::parse(&bytes, format).map(model);
            saving::parse_weights(&bytes, format).map(drop)
        }
        Format::Keras => saving::parse(&bytes, format).and_then(model),
        _ if format.has_architecture() => saving::parse(&bytes, format).map(drop),
        _ => saving::parse_weights(&bytes, format).map(drop),
    }
}

/// Makes a model of what was read. (One from an architecture alone takes what memory it says.)
fn model(saved: Saved) -> Result<(), String> {
    let model = LoadedModel::from_saved(saved, &Registry::new(), Device::default());
    model.map(drop).map_err(|e| e.to_string())
}

/// As [`read`], with memory counted and panics caught.
fn measured(name: &str, bytes: &[u8], format: Format) -> Result<(), String> {
    MOST.store(NOW.load(Relaxed), Relaxed);
    let before = NOW.load(Relaxed);
    let result = catch_unwind(AssertUnwindSafe(|| read(bytes, format)));
    let most = MOST.load(Relaxed) - before;
    let result = match result {
        Ok(result) => result,
        Err(_) => panic!("{name}: reading panics; the bytes are at {}", keep(bytes).display()),
    };
    let allowed = bytes.len() * TIMES + FLOOR;
    assert!(most <= allowed, "{name}: {most} bytes for {}: {}", bytes.len(), keep(bytes).display());
    result
}

/// Keeps bytes that did harm.
fn keep(bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile.bin");
    std::fs::write(&path, bytes).expect("can be written");
    path
}

/// Real files with the formats that they are read as.
fn seeds() -> Vec<(String, Vec<u8>, Format)> {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/files");
    let mut seeds = Vec::new();
    for name in [
        "plain.keras",
        "plain.h5",
        "plain.weights.h5",
        "bfloat16.keras",
        "keras2_plain.h5",
        "keras2_plain_weights.h5",
        "plain.json",
        "graph.json",
        "keras2_graph.yaml",
        "packed.h5",
        "latest.weights.h5",
        "dense.weights.h5",
        "many.weights.h5",
    ] {
        let path = files.join(name);
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
        seeds.push((name.to_string(), bytes, Format::of(&path).expect("known")));
    }
    // What Keras does not write is made here.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let model = load_model(files.join("plain.keras")).expect("opens");
    let path = folder.join("plain.safetensors");
    model.save_weights(&path).expect("saves");
    seeds.push(("plain.safetensors".into(), std::fs::read(path).expect("is there"), Format::Safetensors));
    seeds
}

/// Inputs of fuzzing that were kept, with their names.
fn kept() -> Vec<(String, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/inputs.zip");
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).expect("is there")).expect("an archive");
    let members = zip.len();
    let read = |at: usize| {
        let mut member = zip.by_index(at).expect("a member");
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut member, &mut bytes).expect("can be unpacked");
        (member.name().expect("UTF-8").into_owned(), bytes)
    };
    (0..members).map(read).collect()
}

/// Random numbers that are the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// One mutation: bits, bytes, numbers of the format's own sizes, stretches moved or lost.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    const NUMBERS: [u64; 10] =
        [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 1 << 32, u64::MAX >> 1, u64::MAX];
    let at = random.below(bytes.len());
    match random.below(8) {
        0..=2 => bytes[at] ^= 1 << random.below(8),
        3 => bytes[at] = random.next() as u8,
        4 | 5 => {
            // Addresses of the file itself lead to cycles.
            let number = match random.below(2) {
                0 => NUMBERS[random.below(NUMBERS.len())],
                _ => random.below(bytes.len()) as u64 & !7,
            };
            let width = [1, 2, 4, 8][random.below(4)];
            let end = (at + width).min(bytes.len());
            bytes[at..end].copy_from_slice(&number.to_le_bytes()[..end - at]);
        }
        6 => {
            let len = random.below(64).min(bytes.len() - at);
            let to = random.below(bytes.len() - len + 1);
            bytes.copy_within(at..at + len, to);
        }
        _ => bytes.truncate(at),
    }
}

/// A `.keras` archive of these members.
fn archive(members: &[(&str, &[u8])], packed: bool) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let method = if packed { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        zip.start_file(*name, options).expect("in memory");
        zip.write_all(bytes).expect("in memory");
    }
    zip.finish().expect("in memory").into_inner()
}

#[test]
fn hostile_files() {
    let seeds = seeds();
    let by_name = |name: &str| &seeds.iter().find(|(n, ..)| n == name).expect("a seed").1;
    for (name, bytes, format) in &seeds {
        measured(name, bytes, *format).unwrap_or_else(|e| panic!("{name} itself: {e}"));
    }

    // Cut off anywhere, a file is an error. (Texts may end early and still be whole YAML.)
    let mut cuts = 0;
    for (name, bytes, format) in &seeds {
        let step = bytes.len() / 150 + 1;
        for cut in (0..bytes.len()).step_by(step) {
            let result = measured(name, &bytes[..cut], *format);
            cuts += 1;
            assert!(result.is_err() || *format == Format::Yaml, "{name} cut at {cut}");
        }
    }

    // Bombs and lies, each with a word that its error must say.
    let config = by_name("plain.json");
    let weights = by_name("plain.weights.h5");
    let zeros = vec![b' '; 16 << 20];
    let refused = |name: &str, bytes: &[u8], format: Format, word: &str| {
        let error = measured(name, bytes, format).expect_err(name);
        assert!(error.contains(word), "{name}: {error}");
    };
    let keras = Format::Keras;
    refused("a bomb of JSON", &archive(&[("config.json", &zeros)], true), keras, "times the archive");
    let wide = format!("[{}0]", "0,".repeat(1 << 20));
    refused("packed JSON", &archive(&[("config.json", wide.as_bytes())], true), keras, "times the archive");
    let half = vec![0x5a; 64 << 10].iter().enumerate().map(|(i, b)| b ^ (i * i) as u8).collect::<Vec<u8>>();
    let padded = archive(&[("config.json", wide.as_bytes()), ("noise", &half)], true);
    assert!(measured("packed JSON beside noise", &padded, keras).is_err());
    let bomb = archive(&[("config.json", config), ("model.weights.h5", &zeros)], true);
    refused("a bomb of weights", &bomb, keras, "times the archive");
    let pickle = archive(&[("config.json", config), ("model.weights.npz", b"")], false);
    refused("a pickle", &pickle, keras, "pickle");
    refused("no members", &archive(&[], false), keras, "config.json");
    let escaped = archive(&[("../config.json", config), ("../model.weights.h5", weights)], false);
    refused("members outside", &escaped, keras, "config.json");
    let mut lying = archive(&[("config.json", config), ("model.weights.h5", weights)], false);
    // The size of the second member in the central directory.
    let at = lying.windows(4).rposition(|w| w == b"PK\x01\x02").expect("a directory");
    lying[at + 20..at + 28].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f]);
    assert!(measured("a lie about a size", &lying, keras).is_err());
    let mut changed = archive(&[("config.json", config), ("model.weights.h5", weights)], false);
    let at = changed.windows(8).position(|w| w == b"\x89HDF\r\n\x1a\n").expect("the weights");
    changed[at + weights.len() - 1] ^= 1;
    refused("a changed byte", &changed, keras, "damaged");
    refused("deep JSON", "[".repeat(1 << 15).as_bytes(), Format::Json, "recursion");
    refused("wide JSON", format!("[{}0]", "0,".repeat(1 << 20)).as_bytes(), Format::Json, "values");
    refused("deep YAML", "[".repeat(1 << 16).as_bytes(), Format::Yaml, "");
    let mut aliases = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for i in 1..32 {
        let before = vec![format!("*a{}", i - 1); 9].join(", ");
        aliases.push_str(&format!("a{i}: &a{i} [{before}]\n"));
    }
    refused("a bomb of aliases", aliases.as_bytes(), Format::Yaml, "aliases");
    refused("Python code", b"a: !!python/object/apply:os.system [ls]", Format::Yaml, "os.system");

    // Code in a configuration is refused by name when the model is made.
    let lambda = r#"{"class_name": "Sequential", "config": {"name": "net", "layers": [{"module": "keras.layers",
        "class_name": "Lambda", "config": {"name": "l", "function": {"class_name": "__lambda__", "config": {"code": "4wEA"}}}}]}}"#;
    let error = keras::graph::model_from_json(lambda).err().expect("is refused").to_string();
    assert!(error.contains("Lambda") && error.contains("never run"), "{error}");

    // What fuzzing found interesting (`fuzz/keep`).
    let kept = kept();
    assert!(kept.len() > 500, "only {} inputs", kept.len());
    for (name, bytes) in &kept {
        match name.split('/').next() {
            Some("archive") => drop(measured(name, bytes, Format::Keras)),
            Some("hdf5") => drop(measured(name, bytes, Format::LegacyH5)),
            Some("json") => drop(measured(name, bytes, Format::Json)),
            Some("yaml") => drop(measured(name, bytes, Format::Yaml)),
            Some("safetensors") => drop(measured(name, bytes, Format::Safetensors)),
            Some("npz") => assert!(catch_unwind(|| drop(npz::from_bytes(bytes))).is_ok(), "{name}"),
            _ => panic!("{name}: of no target"),
        }
    }

    // Mutations of real files.
    let start = Instant::now();
    let mut random = Random(1);
    let (mut tried, mut read) = (0, 0);
    while tried < MUTATIONS && start.elapsed() < TIME {
        let (name, bytes, format) = &seeds[tried % seeds.len()];
        let mut bytes = bytes.clone();
        for _ in 0..=random.below(4) {
            mutate(&mut bytes, &mut random);
            if bytes.is_empty() {
                bytes.push(0);
            }
        }
        read += usize::from(measured(name, &bytes, *format).is_ok());
        tried += 1;
    }

    // Arrays of NumPy are read from paths.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    let whole = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/files/plain.npz"))
        .expect("is there");
    let path = folder.join("mutated.npz");
    for _ in 0..500 {
        let mut bytes = whole.clone();
        mutate(&mut bytes, &mut random);
        std::fs::write(&path, &bytes).expect("can be written");
        let before = NOW.load(Relaxed);
        MOST.store(before, Relaxed);
        let result = catch_unwind(|| drop(npz::read(&path)));
        assert!(result.is_ok(), "npz: {}", path.display());
        assert!(MOST.load(Relaxed) - before <= bytes.len() * TIMES + FLOOR, "npz: {}", path.display());
        tried += 1;
    }
    println!(
        "{cuts} cuts, {} kept inputs, {tried} mutations of {} files ({read} still read), {:?}",
        kept.len(),
        seeds.len() + 1,
        start.elapsed()
    );
    assert!(tried >= 2000, "only {tried} mutations in {TIME:?}");
}
