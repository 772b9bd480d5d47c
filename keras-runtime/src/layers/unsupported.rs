//! Options of Keras' layers that are not honoured, in writing. Any other key of a configuration is an option that the layer
//! writes down itself, or an error: nothing in a file is passed over in silence.

use serde_json::Value;

use crate::layer::Config;
use crate::{Error, Result};

/// An option that only some values of can be honoured.
pub(super) struct Unsupported {
    pub option: &'static str,
    /// The classes that have it in Keras; none stands for all.
    pub classes: &'static [&'static str],
    /// The value that is accepted, as JSON; none if all are, because the option does not change what is computed.
    pub accepted: Option<&'static str>,
    /// Why.
    pub reason: &'static str,
}

const fn refused(
    option: &'static str,
    classes: &'static [&'static str],
    accepted: &'static str,
    reason: &'static str,
) -> Unsupported {
    Unsupported { option, classes, accepted: Some(accepted), reason }
}

const fn without_effect(
    option: &'static str,
    classes: &'static [&'static str],
    reason: &'static str,
) -> Unsupported {
    Unsupported { option, classes, accepted: None, reason }
}

const LORA: &[&str] = &["Dense", "EinsumDense", "Embedding"];
const LORA_REASON: &str = "low-rank adaptation is not there: merge the adapted kernel before saving";
/// Options of Keras 2 that these wrote and that never made a weight.
const PER_CHANNEL: &[&str] = &["DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"];

/// The options.
pub(super) const UNSUPPORTED: &[Unsupported] = &[
    refused("lora_rank", LORA, "null", LORA_REASON),
    refused("lora_alpha", LORA, "null", LORA_REASON),
    refused(
        "quantization_config",
        LORA,
        "null",
        "quantized layers are not there: save the model before quantizing",
    ),
    refused("gptq_unpacked_column_size", &["EinsumDense"], "null", "quantized layers are not there"),
    refused(
        "flash_attention",
        &["GroupQueryAttention", "MultiHeadAttention"],
        "null",
        "there is one algorithm, which yields the same",
    ),
    refused(
        "weights",
        &["Embedding", "Bidirectional"],
        "null",
        "weights are set on the model, not by a configuration",
    ),
    without_effect("use_cudnn", &["GRU", "LSTM"], "which kernel computes the layer"),
    // Keras 2.
    without_effect("implementation", &["GRU", "LSTM", "SimpleRNN"], "how the products are grouped"),
    without_effect("input_length", &["Embedding"], "the input says it"),
    without_effect("kernel_initializer", PER_CHANNEL, "no weight of theirs starts by it"),
    refused("kernel_regularizer", PER_CHANNEL, "null", "no weight of theirs has it"),
    refused("kernel_constraint", PER_CHANNEL, "null", "no weight of theirs has it"),
    refused("groups", PER_CHANNEL, "1", "each channel is a group of its own"),
];

/// Keys of every layer: who makes the layer reads them.
const COMMON: &[&str] = &["name", "trainable", "dtype", "activity_regularizer"];

/// What is known of an option of a class.
pub(super) fn find(class: &str, option: &str) -> Option<&'static Unsupported> {
    let applies =
        |u: &&Unsupported| u.option == option && (u.classes.is_empty() || u.classes.contains(&class));
    UNSUPPORTED.iter().find(applies)
}

/// Refuses a configuration that says something that the layer made from it does not know. `own` is a layer of the program's.
///
/// # Errors
/// With the class and the option.
pub(crate) fn check(class: &str, own: bool, config: &Config, honoured: &Config) -> Result<()> {
    for (option, value) in config {
        if honoured.contains_key(option) || COMMON.contains(&option.as_str()) {
            continue;
        }
        let Some(unsupported) = find(class, option).filter(|_| !own) else {
            let message = match own {
                true => "the layer that is registered has no such option: give it a field of this name",
                false => "this layer has no such option",
            };
            return Err(Error::config(format!("{class}: `{option}`"), message));
        };
        let Some(accepted) = unsupported.accepted else { continue };
        if serde_json::from_str::<Value>(accepted).ok().as_ref() != Some(value) {
            let message = format!("only {accepted} is supported, found {value}: {}", unsupported.reason);
            return Err(Error::config(format!("{class}: `{option}`"), message));
        }
    }
    Ok(())
}
