//! One declaration for an object's options: fields with defaults, setters, and the JSON that Keras writes.

use crate::Result;
use crate::layer::Config;

/// Options as configuration keys; implemented by `options!`.
pub(crate) trait Options {
    /// Adds every option under its Keras name.
    fn write(&self, config: &mut Config);

    /// Takes every option that is there.
    fn read(&mut self, config: &Config) -> Result<()>;
}

/// `Name [common: Type] { option: type = default, .. }`: a struct with a part that its kin share and options of its own.
macro_rules! options {
    (
        $(#[$meta:meta])*
        $name:ident [$common:ident: $type:ty] {
            $($(#[$doc:meta])* $field:ident: $t:ty = $default:expr),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name {
            pub(crate) $common: $type,
            $(pub(crate) $field: $t,)*
        }

        impl $name {
            #[allow(dead_code)]
            pub(crate) fn with_common($common: $type) -> Self {
                $name { $common, $($field: $default,)* }
            }

            $(
                $(#[$doc])*
                #[must_use]
                pub fn $field(mut self, $field: impl Into<$t>) -> Self {
                    self.$field = $field.into();
                    self
                }
            )*
        }

        impl $crate::training::options::Options for $name {
            #[allow(unused_variables)]
            fn write(&self, config: &mut $crate::Config) {
                $(config.insert(stringify!($field).into(), $crate::ConfigValue::to_json(&self.$field));)*
            }
            #[allow(unused_variables)]
            fn read(&mut self, config: &$crate::Config) -> $crate::Result<()> {
                $(self.$field = $crate::config::config_or(
                    config, stringify!($name), stringify!($field), self.$field.clone(),
                )?;)*
                Ok(())
            }
        }
    };
}
pub(crate) use options;
