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
    write_with(path, |file| file.write_all(bytes).map_err(|e| e.to_string()))
}

/// As [`write()`], for what is written piece by piece.
///
/// # Errors
/// As [`write()`], or what `content` says.
pub fn write_with(path: &Path, content: impl FnOnce(&mut File) -> Result<(), String>) -> Result<()> {
    let (temporary, mut file) = create_beside(path)?;
    let done = content(&mut file).map_err(|e| Error::file(path, e)).and_then(|()| {
        file.sync_all().and_then(|()| fs::rename(&temporary, path)).map_err(|e| Error::io(path, e))
    });
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
    loop {
        let temporary = name_beside(path)?;
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            // Left by a process of the same number that was killed.
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(Error::io(path, e)),
        }
    }
}

/// A name that no other save of this process uses.
fn name_beside(path: &Path) -> Result<PathBuf> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().ok_or_else(|| Error::file(path, "is not the name of a file"))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{}.tmp", process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    Ok(path.with_file_name(temporary))
}

/// The rename itself reaches the disk with the folder. Where folders cannot be opened it happens later.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// Writes a folder: to a temporary one beside it, flushed to the disk, then exchanged with the old one. `content` makes the
/// files. Where the operating system cannot exchange folders, the old one is moved away first: then a crash at that moment
/// leaves it under another name.
///
/// # Errors
/// If the operating system refuses, or what is there is not a folder of a model; then it stays as it is.
pub fn write_folder(path: &Path, content: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let there = path.exists();
    if there && !(path.join("config.json").is_file() || is_empty(path)) {
        return Err(Error::file(
            path,
            "is there already, and not the folder of a model: it is left as it is",
        ));
    }
    let temporary = loop {
        let temporary = name_beside(path)?;
        match fs::create_dir(&temporary) {
            Ok(()) => break temporary,
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(Error::io(path, e)),
        }
    };
    let done = content(&temporary)
        .and_then(|()| sync_files(&temporary).map_err(|e| Error::io(path, e)))
        .and_then(|()| {
            if there { exchange(&temporary, path) } else { fs::rename(&temporary, path) }
                .map_err(|e| Error::io(path, e))
        });
    // The old folder, or what could not be finished.
    if there || done.is_err() {
        let _ = fs::remove_dir_all(&temporary);
    }
    if done.is_ok() {
        sync_folder(path);
    }
    done
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

fn sync_files(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => sync_files(&entry.path())?,
            false => File::open(entry.path())?.sync_all()?,
        }
    }
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Puts the new folder in the place of the old one, and the old one in its own.
fn exchange(new: &Path, old: &Path) -> std::io::Result<()> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        if renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE).is_ok() {
            return Ok(());
        }
    }
    let mut aside = new.as_os_str().to_owned();
    aside.push(".old");
    fs::rename(old, &aside)?;
    match fs::rename(new, old) {
        Ok(()) => fs::rename(&aside, new),
        Err(e) => fs::rename(&aside, old).and(Err(e)),
    }
}
