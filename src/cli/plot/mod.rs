//! `keras plot`.

mod dot;
mod graph;
mod layout;
mod svg;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::{Common, ModelArgs, extension, is_stdout, write_text};
use super::failure::{Failure, Outcome};
use super::shapes::{InputShapes, network};

/// Draw a model's graph as SVG, or write it in Graphviz' language
///
/// A box for each call of a layer, with its class, the shape of what it yields and its parameters; colours tell families of
/// layers. Dimensions that the data decide are `None`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  keras plot net.keras net.svg
  keras plot net.keras net.svg --expand-nested
  keras plot net.keras - --format dot | dot -Tpdf > net.pdf")]
pub struct Plot {
    #[command(flatten)]
    model: ModelArgs,
    /// Where the picture goes: .svg, .dot, or - for standard output
    output: PathBuf,
    /// The format [default: that of the extension, svg for -]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Draw models inside the model open, with their layers
    #[arg(long)]
    expand_nested: bool,
    /// Leave out shapes and parameters
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    shapes: InputShapes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Svg,
    Dot,
}

impl Plot {
    pub fn run(&self, common: &Common) -> Outcome {
        let format = self.format()?;
        let mut model = self.model.open(common)?;
        let other = self.shapes.bind(&mut model)?;
        let network = network(&model)?;
        let options = graph::Options { expand_nested: self.expand_nested, plain: self.plain };
        let graph = graph::graph(network, other.as_ref().unwrap_or(network.definition()), options);
        let text = match format {
            Format::Svg => svg::svg(&graph),
            Format::Dot => dot::dot(&graph),
        };
        write_text(&self.output, &text)
    }

    fn format(&self) -> Outcome<Format> {
        match (self.format, extension(&self.output).as_str()) {
            (Some(format), _) => Ok(format),
            (None, "svg") => Ok(Format::Svg),
            (None, "dot" | "gv") => Ok(Format::Dot),
            (None, _) if is_stdout(&self.output) => Ok(Format::Svg),
            _ => {
                let path = self.output.display();
                Err(Failure::usage(format!("{path}: pictures are .svg or .dot: choose one, or say --format")))
            }
        }
    }
}
