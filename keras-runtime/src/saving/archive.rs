//! The `.keras` archive: a ZIP file of `metadata.json`, `config.json`, `model.weights.h5`, and files of layers.

use std::io::{Cursor, Read, Seek, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::assets::{self, Assets};
use super::bytes::Bytes;
use super::hdf5::Image;

/// The member with the version of Keras.
pub(super) const METADATA: &str = "metadata.json";
/// The member with the architecture.
pub(super) const CONFIG: &str = "config.json";
/// The member with the variables.
pub(super) const WEIGHTS: &str = "model.weights.h5";
/// Why a file whose variables are pickled is refused.
pub(super) const NPZ: &str =
    "its weights are `model.weights.npz`, a Python pickle, which is not read: save it as HDF5";
/// How often packed members may exceed the archive; deflate reaches about 1032.
const UNPACK: u64 = 64;

/// The members of an archive.
pub(super) struct Archive {
    /// `config.json`.
    pub config: Value,
    /// `model.weights.h5`.
    pub weights: Bytes,
    /// What lies under `assets/`.
    pub assets: Assets,
}

/// Takes an archive apart. Members that are stored as they are share its bytes.
///
/// # Errors
/// A description of what is wrong with it.
pub(super) fn read(bytes: &Bytes) -> Result<Archive, String> {
    let source = Cursor::new(&**bytes);
    let mut zip = ZipArchive::new(source).map_err(|_| {
        format!("is not a whole `.keras` file (ZIP archive): its {} bytes do not end with the list of members, so it is cut off, or still being written", bytes.len())
    })?;
    let mut left = (bytes.len() as u64).saturating_mul(UNPACK);
    let config = member(&mut zip, bytes, CONFIG, &mut left)?;
    let config = super::json::parse_packed(&config, bytes.len()).map_err(|e| format!("`{CONFIG}`: {e}"))?;
    if zip.index_for_name(WEIGHTS).is_none() && zip.index_for_name("model.weights.npz").is_some() {
        return Err(NPZ.into());
    }
    let weights = member(&mut zip, bytes, WEIGHTS, &mut left)?;
    Ok(Archive { config, weights, assets: assets(&mut zip, bytes, &mut left)? })
}

/// The files of layers. Entries for folders are left out.
fn assets(zip: &mut ZipArchive<Cursor<&[u8]>>, bytes: &Bytes, left: &mut u64) -> Result<Assets, String> {
    let mut assets = Assets::default();
    let names = zip.file_names().map(|name| name.map(|name| name.into_owned()));
    let names = names.collect::<Result<Vec<String>, _>>().map_err(|e| format!("a member's name: {e}"))?;
    for name in names.iter().filter(|name| !name.ends_with('/')) {
        if let Some(path) = name.strip_prefix(assets::FOLDER).and_then(|rest| rest.strip_prefix('/')) {
            assets.add(path, member(zip, bytes, name, left)?)?;
        }
    }
    Ok(assets)
}

fn member(
    zip: &mut ZipArchive<Cursor<&[u8]>>,
    bytes: &Bytes,
    name: &str,
    left: &mut u64,
) -> Result<Bytes, String> {
    let fail = |e: zip::result::ZipError| format!("`{name}`: {e}");
    let at = zip.index_for_name(name).ok_or_else(|| format!("not a `.keras` archive: it lacks `{name}`"))?;
    let file = zip.by_index(at).map_err(fail)?;
    let size = file.size();
    *left = left
        .checked_sub(size)
        .ok_or_else(|| format!("`{name}` declares {size} bytes, more than {UNPACK} times the archive"))?;
    let holds_another = || format!("`{name}` declares {size} bytes but holds another number");
    if file.compression() == CompressionMethod::Stored {
        let start = file.data_start().ok_or_else(|| format!("`{name}` has no data"))?;
        let (start, size) = (usize::try_from(start), usize::try_from(size));
        let data = start.ok().zip(size.ok()).and_then(|(start, size)| bytes.slice(start, size));
        let data = data.filter(|_| file.compressed_size() == file.size()).ok_or_else(holds_another)?;
        if crc32fast::hash(&data) != file.crc32() {
            return Err(format!("`{name}` is damaged: its checksum is wrong"));
        }
        return Ok(data);
    }
    // What is declared need not be what comes.
    let mut out = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    let mut bounded = file.take(size + 1);
    bounded.read_to_end(&mut out).map_err(|e| format!("`{name}`: {e}"))?;
    if out.len() as u64 != size {
        return Err(holds_another());
    }
    Ok(Bytes::from(out).shared())
}

/// `metadata.json`.
pub(super) fn metadata() -> Value {
    json!({ "keras_version": super::KERAS_VERSION, "date_saved": now() })
}

/// Puts an archive together: members stored, in Keras' order.
///
/// # Errors
/// If it cannot be written.
pub(super) fn write(
    to: impl Write + Seek,
    config: &Value,
    weights: &Image,
    assets: &Assets,
) -> Result<(), String> {
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Stored).unix_permissions(0o600);
    let large = |bytes: usize| options.large_file(bytes as u64 >= u64::from(u32::MAX));
    let mut zip = ZipWriter::new(to);
    for (name, json) in [(METADATA, &metadata()), (CONFIG, config)] {
        zip.start_file(name, options).map_err(|e| e.to_string())?;
        zip.write_all(super::json::print(json).as_bytes()).map_err(|e| e.to_string())?;
    }
    zip.start_file(WEIGHTS, large(weights.len())).map_err(|e| e.to_string())?;
    for piece in weights.pieces() {
        zip.write_all(piece).map_err(|e| e.to_string())?;
    }
    for (path, bytes) in assets.files() {
        let name = format!("{}/{path}", assets::FOLDER);
        zip.start_file(name, large(bytes.len())).map_err(|e| e.to_string())?;
        zip.write_all(bytes).map_err(|e| e.to_string())?;
    }
    zip.finish().map_err(|e| e.to_string())?.flush().map_err(|e| e.to_string())
}

/// `YYYY-MM-DD@HH:MM:SS`, in UTC.
fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (days, second) = (seconds / 86400, seconds % 86400);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}@{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// Year, month and day of a number of days since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_survive_and_are_stored() {
        let config = json!({ "class_name": "Sequential", "config": { "name": "größe" } });
        let weights = super::super::hdf5::write(&super::super::Group::default()).expect("can be written");
        let mut bytes = Cursor::new(Vec::new());
        let mut assets = Assets::default();
        assets.add("layers/lookup/vocabulary.txt", b"a\nb".to_vec().into()).expect("a plain path");
        write(&mut bytes, &config, &weights, &assets).expect("can be written");
        let bytes = Bytes::from(bytes.into_inner()).shared();
        let read = read(&bytes).expect("can be read");
        assert_eq!((read.config, read.weights.to_vec(), read.assets), (config, weights.to_vec(), assets));
        let mut zip = ZipArchive::new(Cursor::new(&bytes[..])).expect("an archive");
        let names: Vec<String> = zip.file_names().map(|n| n.expect("UTF-8").into_owned()).collect();
        assert_eq!(names, [METADATA, CONFIG, WEIGHTS, "assets/layers/lookup/vocabulary.txt"]);
        assert!((0..4).all(|i| zip.by_index(i).expect("there").compression() == CompressionMethod::Stored));
    }

    #[test]
    fn a_bomb_is_refused() {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file("config.json", options).expect("in memory");
        zip.write_all(&vec![b' '; 1 << 22]).expect("in memory");
        let bytes = zip.finish().expect("in memory").into_inner();
        assert!(read(&Bytes::from(bytes)).is_err_and(|e| e.contains("times the archive")));
    }

    #[test]
    fn dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_780), (2026, 11, 23));
    }
}
