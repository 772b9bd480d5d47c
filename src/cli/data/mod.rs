//! Data from files: arrays by name.

mod csv;
mod image;
mod json;
mod pixels;
mod write;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use keras::Error;
use keras::graph::{LoadedModel, Slot};
use keras::saving::{Array, npz};

use super::common::{exists, extension};
use super::failure::Outcome;

pub use image::Images;
pub use json::read as json;
pub use write::Outputs;

/// What the help says about files of data.
pub const FORMATS: &str = "\
Data come from .npz (arrays by name), .npy, .csv and .tsv (a sample a line, with or without a header), .json
({\"name\": nested lists}, or nested lists alone), and images. A file of one array may have any name where the model
has one input; NAME=FILE says which input a file is for.";

/// A file of data: `FILE`, or `NAME=FILE` for one of several inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct DataFile {
    name: Option<String>,
    path: PathBuf,
}

impl FromStr for DataFile {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<DataFile, Self::Err> {
        let plain = || DataFile { name: None, path: text.into() };
        Ok(match text.split_once('=') {
            Some((name, path)) if !Path::new(text).exists() && !name.is_empty() && !name.contains('/') => {
                DataFile { name: Some(name.into()), path: path.into() }
            }
            _ => plain(),
        })
    }
}

/// Reads arrays. Samples of `.csv` files and images take the shape that the slot of their name has.
pub fn read(files: &[DataFile], slots: &[Slot], images: &Images) -> Outcome<Vec<(String, Array)>> {
    let mut out: Vec<(String, Array)> = Vec::new();
    let mut pictures: Vec<(String, Vec<&Path>)> = Vec::new();
    for file in files {
        let (path, name) = (file.path.as_path(), file.name.clone().unwrap_or_default());
        exists(path)?;
        let slot = || match slots {
            [one] => Some(one),
            several => several.iter().find(|slot| slot.name == name),
        };
        match extension(path).as_str() {
            "png" | "jpg" | "jpeg" => match pictures.iter_mut().find(|(known, _)| *known == name) {
                Some((_, paths)) => paths.push(path),
                None => pictures.push((name, vec![path])),
            },
            "json" => out.extend(renamed(json::read_arrays(path)?, file)?),
            "csv" | "tsv" | "txt" => {
                let array = csv::read(path)?;
                out.push((name.clone(), shaped(array, slot())));
            }
            "npz" | "npy" => out.extend(renamed(npz::read(path)?, file)?),
            _ => {
                let message =
                    "is not a file of data by its extension: .npz, .npy, .csv, .tsv, .json, .png or .jpg is";
                return Err(Error::file(path, message).into());
            }
        }
    }
    for (name, paths) in pictures {
        let slot = match slots {
            [one] => Some(one),
            several => several.iter().find(|slot| slot.name == name),
        };
        out.push((name, images.read(&paths, slot)?));
    }
    Ok(out)
}

/// The arrays of a file under the name that the command line gives them.
fn renamed(arrays: Vec<(String, Array)>, file: &DataFile) -> Outcome<Vec<(String, Array)>> {
    let Some(name) = &file.name else { return Ok(arrays) };
    let found = arrays.len();
    match <[(String, Array); 1]>::try_from(arrays) {
        Ok([(_, array)]) => Ok(vec![(name.clone(), array)]),
        Err(_) => {
            let message = format!("has {found} arrays, where `{name}=` names one: leave the name out");
            Err(Error::file(&file.path, message).into())
        }
    }
}

/// Rows of a table as samples of the shape that a slot wants, if their numbers are as many.
fn shaped(mut array: Array, slot: Option<&Slot>) -> Array {
    let dims: Option<Vec<usize>> = slot.and_then(|slot| slot.dims.iter().copied().collect());
    if let (Some(dims), [samples, width]) = (dims, &array.shape[..]) {
        if dims.iter().product::<usize>() == *width {
            array.shape = std::iter::once(*samples).chain(dims).collect();
        }
    }
    array
}

/// The arrays of the model's inputs, in its order.
pub fn inputs(model: &LoadedModel, files: &[DataFile], images: &Images) -> Outcome<Vec<Array>> {
    Ok(model.arrange(read(files, &model.blueprint().inputs, images)?)?)
}

/// Arrays in the order of the model's outputs; a single one may have any name.
pub fn by_output(model: &LoadedModel, arrays: Vec<(String, Array)>, what: &str) -> Outcome<Vec<Array>> {
    let all = by_output_or_none(model, arrays, what)?;
    let missing = |(name, array): (String, Option<Array>)| {
        array.ok_or_else(|| Error::Data(format!("there are no {what} for output `{name}`")).into())
    };
    model.output_names().into_iter().zip(all).map(missing).collect()
}

/// As [`by_output`], where outputs may be left out.
pub fn by_output_or_none(
    model: &LoadedModel,
    mut arrays: Vec<(String, Array)>,
    what: &str,
) -> Outcome<Vec<Option<Array>>> {
    let names = model.output_names();
    if arrays.len() == 1 && names.len() == 1 {
        return Ok(arrays.into_iter().map(|(_, array)| Some(array)).collect());
    }
    let keys = model.blueprint().output_keys.as_ref();
    let mut found = Vec::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        let key = keys.and_then(|keys| keys.get(at));
        let place = arrays.iter().position(|(known, _)| known == name || Some(known) == key);
        found.push(place.map(|at| arrays.swap_remove(at).1));
    }
    match arrays.first() {
        None => Ok(found),
        Some((name, _)) => {
            let known = names.join("`, `");
            Err(Error::Data(format!("the {what} have `{name}`, which is not an output: these are `{known}`"))
                .into())
        }
    }
}

/// Weights of samples in the order of the outputs; none without a file.
pub fn weights_by_output(model: &LoadedModel, files: &[DataFile]) -> Outcome<Vec<Option<Vec<f32>>>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let arrays = read(files, &[], &Images::default())?;
    let floats = |array: Option<Array>| array.map(|a| a.to_f64().into_iter().map(|v| v as f32).collect());
    Ok(by_output_or_none(model, arrays, "sample weights")?.into_iter().map(floats).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        let parse = |text: &str| text.parse::<DataFile>().expect("cannot fail");
        assert_eq!(parse("x.npz"), DataFile { name: None, path: "x.npz".into() });
        assert_eq!(parse("user=u.csv"), DataFile { name: Some("user".into()), path: "u.csv".into() });
        assert_eq!(parse("./a=b.csv"), DataFile { name: None, path: "./a=b.csv".into() });
    }
}
