//! Saving so that a file is either the old one or the new one, whatever happens meanwhile.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Error, Result};

/// Writes a file: to a temporary one in the same folder, flushed to the disk, then renamed over the old one. Whoever
/// reads `path`, or is left with it after a crash, has the old bytes or the new ones, never a part.
///
/// # Errors
/// If the operating system refuses; then the old file is untouched and the temporary one is removed.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let (temporary, mut file) = create_beside(path)?;
    let done = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|e| Error::io(path, e));
    if done.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        return done;
    }
    sync_folder(path);
    Ok(())
}

/// Removes the temporary files that processes left which were killed while they wrote `path`.
pub fn remove_leftovers(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
    let beginning = format!(".{}.", name.to_string_lossy());
    // What cannot be read or removed does no harm.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let found = entry.file_name();
        let found = found.to_string_lossy();
        if found.starts_with(&beginning) && found.ends_with(".tmp") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A new file beside `path`, with a name that no other save uses.
fn create_beside(path: &Path) -> Result<(PathBuf, File)> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().ok_or_else(|| Error::file(path, "is not the name of a file"))?;
    loop {
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{}.tmp", process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
        let temporary = path.with_file_name(temporary);
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            // Left by a process of the same number that was killed.
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(Error::io(path, e)),
        }
    }
}

/// The rename itself reaches the disk with the folder. Where folders cannot be opened it happens later.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
