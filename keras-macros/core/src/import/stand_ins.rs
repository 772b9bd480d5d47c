//! Operations for which layers stand where the shape of their input is known: slices, means, matrix products.

use serde_json::{Map, Value};

use super::calls::{Arguments, tensor};
use super::values;

/// Text, and the stems of the names of the layers that it makes, in the order in which they are made.
pub(super) type Found = Option<(String, Vec<&'static str>)>;

/// An operation's call, with the shapes of its inputs.
pub(super) struct StandIn<'a> {
    /// The operation's own options.
    pub config: &'a Map<String, Value>,
    /// The call.
    pub call: &'a Arguments,
    /// Whether the model has masks: layers heed them, operations do not.
    pub masked: bool,
}

impl StandIn<'_> {
    /// The text, if there is one.
    pub fn find(&self, class: &str) -> Found {
        match class {
            "Mean" => self.pooling("Average"),
            "Max" if self.option("initial").is_none() => self.pooling("Max"),
            "ExpandDims" => self.expand_dims(),
            "Squeeze" => self.squeeze(),
            "Matmul" => self.matmul(),
            "GetItem" => self.get_item(),
            _ => None,
        }
    }

    fn option(&self, key: &str) -> Option<&Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    /// The dimensions of a sample of an input.
    fn sample(&self, at: usize) -> Option<Vec<usize>> {
        let value = self.call.args.get(at)?;
        tensor(value)?;
        let shape = value.get("config")?.get("shape")?.as_array()?;
        shape.iter().skip(1).map(|dim| usize::try_from(dim.as_u64()?).ok()).collect()
    }

    /// An axis of a sample from one that counts the batch; `rank` is that of the sample.
    fn axis(&self, json: &Value, rank: usize) -> Option<usize> {
        let axis = json.as_i64()?;
        let axis = if axis < 0 { axis + rank as i64 + 1 } else { axis };
        usize::try_from(axis - 1).ok().filter(|axis| *axis < rank)
    }

    /// The mean or maximum over all axes but the last.
    fn pooling(&self, kind: &str) -> Found {
        let rank = self.sample(0)?.len();
        let axes = match self.option("axis")? {
            Value::Array(items) => {
                items.iter().map(|item| self.axis(item, rank)).collect::<Option<Vec<_>>>()?
            }
            one => vec![self.axis(one, rank)?],
        };
        let spatial = rank.checked_sub(1).filter(|n| (1..=3).contains(n) && !self.masked)?;
        if axes != (0..spatial).collect::<Vec<_>>() {
            return None;
        }
        let keepdims =
            if self.option("keepdims") == Some(&Value::Bool(true)) { "keepdims = true" } else { "" };
        let stem = match (kind, spatial) {
            ("Average", 1) => "global_average_pooling1d",
            ("Average", 2) => "global_average_pooling2d",
            ("Average", _) => "global_average_pooling3d",
            (_, 1) => "global_max_pooling1d",
            (_, 2) => "global_max_pooling2d",
            _ => "global_max_pooling3d",
        };
        Some((format!("Global{kind}Pooling{spatial}D({keepdims})({{0}})"), vec![stem]))
    }

    fn expand_dims(&self) -> Found {
        let mut dims = self.sample(0)?;
        let axis = self.axis(self.option("axis")?, dims.len() + 1)?;
        dims.insert(axis, 1);
        Some((reshape("{0}", &dims)?, vec!["reshape"]))
    }

    fn squeeze(&self) -> Found {
        let mut dims = self.sample(0)?;
        let axis = self.axis(self.option("axis")?, dims.len())?;
        (dims.remove(axis) == 1).then_some(())?;
        Some((reshape("{0}", &dims)?, vec!["reshape"]))
    }

    /// A product of two matrices for each sample.
    fn matmul(&self) -> Found {
        let matrices = self.sample(0)?.len() == 2 && self.sample(1)?.len() == 2;
        matrices.then(|| ("dot({0}, {1}, (2, 1))".to_string(), vec!["dot"]))
    }

    /// `x[:, 1:]`, `x[:, 0]`: a part of the first axis of a sample.
    fn get_item(&self) -> Found {
        let dims = self.sample(0)?;
        let size = *dims.first()?;
        let parts = match self.call.args.get(1)? {
            Value::Array(parts) => &parts[..],
            _ => return None,
        };
        let [batch, first, rest @ ..] = parts else { return None };
        if !whole(batch) || !rest.iter().all(whole) || rest.len() >= dims.len() {
            return None;
        }
        let (from, to, is_range) = match first {
            Value::Number(_) => {
                let at = place(first, size)?;
                (at, at + 1, false)
            }
            first => {
                let slice = slice(first)?;
                let bound = |key: &str, default| match slice.get(key) {
                    None | Some(Value::Null) => Some(default),
                    Some(value) => place(value, size),
                };
                bound("step", 1).filter(|step| *step == 1)?;
                (bound("start", 0)?, bound("stop", size)?, true)
            }
        };
        let cut = [from, size.checked_sub(to)?];
        (from < to).then_some(())?;
        // Cropping is for sequences of vectors.
        let width = dims[1..].iter().product();
        let is_sequence = dims.len() == 2;
        let (text, mut stems) = if is_sequence {
            ("{0}".to_string(), vec![])
        } else {
            (reshape("{0}", &[size, width])?, vec!["reshape"])
        };
        let text = format!("Cropping1D(({}, {}))({text})", cut[0], cut[1]);
        stems.insert(0, "cropping1d");
        if is_range && is_sequence {
            return Some((text, stems));
        }
        let mut after = dims[1..].to_vec();
        if is_range {
            after.insert(0, to - from);
        }
        stems.push("reshape");
        Some((reshape(&text, &after)?, stems))
    }
}

/// `reshape(x, (3, 4))`; `None` for no dimensions at all.
fn reshape(of: &str, dims: &[usize]) -> Option<String> {
    let dims: Vec<i64> = dims.iter().map(|dim| i64::try_from(*dim).ok()).collect::<Option<_>>()?;
    (!dims.is_empty()).then(|| format!("reshape({of}, {})", values::tuple(&dims)))
}

/// A place along an axis of this size; negative ones count from its end.
fn place(json: &Value, size: usize) -> Option<usize> {
    let at = json.as_i64()?;
    let at = if at < 0 { at + size as i64 } else { at };
    usize::try_from(at).ok().filter(|at| *at <= size)
}

fn slice(json: &Value) -> Option<&Map<String, Value>> {
    let is_slice = json.get("class_name")?.as_str()? == "__slice__";
    json.get("config")?.as_object().filter(|_| is_slice)
}

/// `:`.
fn whole(json: &Value) -> bool {
    slice(json).is_some_and(|slice| slice.values().all(Value::is_null))
}
