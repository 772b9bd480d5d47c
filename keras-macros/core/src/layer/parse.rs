//! Fields and their attributes.

use proc_macro2::Ident;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, ExprArray, Fields, Generics, LitStr, Result, Token, Type,
    Visibility,
};

/// A struct with `#[derive(Layer)]`.
pub(super) struct Struct {
    pub vis: Visibility,
    pub name: Ident,
    pub generics: Generics,
    pub class_name: String,
    /// Whether masks pass through it.
    pub supports_masking: bool,
    pub fields: Vec<Field>,
    pub weights: Vec<Weight>,
    /// Weights that the layer plans by hand: they have no field.
    pub planned: Vec<Planned>,
    /// Layers inside it that Keras has.
    pub parts: Vec<Part>,
}

/// A weight without a field: `kernel`, or `bias?` if the layer has it only with some options.
pub(super) struct Planned {
    pub name: Ident,
    pub optional: bool,
}

/// A layer inside a layer, whose weights have a path: `query_dense: EinsumDense`, `query_dense: EinsumDense = "_query_dense"`.
pub(super) struct Part {
    pub name: Ident,
    pub ty: Type,
    pub path: String,
}

impl Parse for Planned {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        Ok(Planned { name: input.parse()?, optional: input.parse::<Option<Token![?]>>()?.is_some() })
    }
}

impl Parse for Part {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name: Ident = input.parse()?;
        input.parse::<Token![:]>()?;
        let ty = input.parse()?;
        let path = match input.parse::<Option<Token![=]>>()? {
            Some(_) => input.parse::<LitStr>()?.value(),
            None => name.to_string(),
        };
        Ok(Part { name, ty, path })
    }
}

/// `(item, item, ..)`.
fn listed<T: Parse>(input: ParseStream<'_>) -> Result<Vec<T>> {
    let content;
    syn::parenthesized!(content in input);
    Ok(content.parse_terminated(T::parse, Token![,])?.into_iter().collect())
}

/// A field that is configuration.
pub(super) struct Field {
    pub name: Ident,
    pub ty: Type,
    pub docs: Vec<Attribute>,
    /// Its key in a configuration.
    pub key: String,
    /// `None`: required, an argument of `new`.
    pub default: Option<Expr>,
    /// Not written to configurations.
    pub skip: bool,
    /// An option of a call: a file has it there, not in the configuration.
    pub call: bool,
}

/// A field that is a weight.
pub(super) struct Weight {
    pub name: Ident,
    pub shape: ExprArray,
    pub initializer: Expr,
    pub regularizer: Option<Expr>,
    pub constraint: Option<Expr>,
    pub when: Option<Expr>,
    pub trainable: bool,
}

impl Struct {
    pub(super) fn new(input: &DeriveInput) -> Result<Struct> {
        let fields = match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(named) => named.named.iter().collect(),
                Fields::Unit => Vec::new(),
                Fields::Unnamed(fields) => {
                    return Err(Error::new_spanned(
                        fields,
                        "a layer's fields need names: they are its options",
                    ));
                }
            },
            _ => return Err(Error::new_spanned(&input.ident, "a layer is a struct")),
        };
        let mut layer = Struct {
            vis: input.vis.clone(),
            name: input.ident.clone(),
            generics: input.generics.clone(),
            class_name: input.ident.to_string(),
            supports_masking: false,
            fields: Vec::new(),
            weights: Vec::new(),
            planned: Vec::new(),
            parts: Vec::new(),
        };
        for attr in input.attrs.iter().filter(|a| a.path().is_ident("layer")) {
            attr.parse_nested_meta(|meta| {
                if meta.path.is_ident("class_name") {
                    layer.class_name = meta.value()?.parse::<LitStr>()?.value();
                    return Ok(());
                }
                if meta.path.is_ident("supports_masking") {
                    layer.supports_masking = true;
                    return Ok(());
                }
                if meta.path.is_ident("weights") {
                    layer.planned = listed(meta.input)?;
                    return Ok(());
                }
                if meta.path.is_ident("parts") {
                    layer.parts = listed(meta.input)?;
                    return Ok(());
                }
                Err(meta
                    .error("unknown option; expected `class_name`, `supports_masking`, `weights` or `parts`"))
            })?;
        }
        let mut errors: Option<Error> = None;
        for field in fields {
            if let Err(error) = layer.field(field) {
                match &mut errors {
                    Some(errors) => errors.combine(error),
                    None => errors = Some(error),
                }
            }
        }
        errors.map_or(Ok(layer), Err)
    }

    fn field(&mut self, field: &syn::Field) -> Result<()> {
        let name =
            field.ident.clone().ok_or_else(|| Error::new(field.span(), "a layer's fields need names"))?;
        let attribute = |which: &str| field.attrs.iter().find(|a| a.path().is_ident(which));
        match (attribute("weight"), attribute("config")) {
            (Some(_), Some(config)) => {
                Err(Error::new_spanned(config, "a field is a weight or an option, not both"))
            }
            (Some(attr), None) => {
                let arguments: WeightArguments = attr.parse_args()?;
                self.weights.push(arguments.named(name));
                Ok(())
            }
            (None, None) if is_weight(&field.ty) => Err(Error::new_spanned(
                &name,
                format!(
                    "the weight `{name}` needs its shape: `#[weight([input.last(), units], init = GlorotUniform)]`"
                ),
            )),
            (None, config) => {
                let mut parsed = Field {
                    key: name.to_string(),
                    name,
                    ty: field.ty.clone(),
                    docs: field.attrs.iter().filter(|a| a.path().is_ident("doc")).cloned().collect(),
                    default: None,
                    skip: false,
                    call: false,
                };
                if let Some(attr) = config {
                    attr.parse_nested_meta(|meta| {
                        if meta.path.is_ident("default") {
                            parsed.default = Some(meta.value()?.parse()?);
                        } else if meta.path.is_ident("key") {
                            parsed.key = meta.value()?.parse::<LitStr>()?.value();
                        } else if meta.path.is_ident("skip") {
                            parsed.skip = true;
                        } else if meta.path.is_ident("call") {
                            parsed.call = true;
                        } else {
                            return Err(
                                meta.error("unknown option; expected `default`, `key`, `skip` or `call`")
                            );
                        }
                        Ok(())
                    })?;
                    if (parsed.skip || parsed.call) && parsed.default.is_none() {
                        return Err(Error::new_spanned(
                            attr,
                            "a field that is not always saved needs a `default`",
                        ));
                    }
                }
                self.fields.push(parsed);
                Ok(())
            }
        }
    }
}

fn is_weight(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Weight"))
}

/// `[shape], init = .., regularizer = .., constraint = .., when = .., trainable = ..`
struct WeightArguments {
    shape: ExprArray,
    initializer: Option<Expr>,
    regularizer: Option<Expr>,
    constraint: Option<Expr>,
    when: Option<Expr>,
    trainable: bool,
}

impl WeightArguments {
    fn named(self, name: Ident) -> Weight {
        let WeightArguments { shape, initializer, regularizer, constraint, when, trainable } = self;
        let initializer = initializer.unwrap_or_else(|| syn::parse_quote!(GlorotUniform));
        Weight { name, shape, initializer, regularizer, constraint, when, trainable }
    }
}

impl Parse for WeightArguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(syn::token::Bracket) {
            return Err(input.error("expected the weight's shape, such as `[input.last(), units]`"));
        }
        let mut out = WeightArguments {
            shape: input.parse()?,
            initializer: None,
            regularizer: None,
            constraint: None,
            when: None,
            trainable: true,
        };
        while input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let key: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            let value: Expr = input.parse()?;
            match key.to_string().as_str() {
                "init" => out.initializer = Some(value),
                "regularizer" => out.regularizer = Some(value),
                "constraint" => out.constraint = Some(value),
                "when" => out.when = Some(value),
                "trainable" => {
                    let Expr::Lit(syn::ExprLit { lit: syn::Lit::Bool(flag), .. }) = &value else {
                        return Err(Error::new_spanned(value, "`trainable` is `true` or `false`"));
                    };
                    out.trainable = flag.value;
                }
                _ => {
                    let expected = "expected `init`, `regularizer`, `constraint`, `when` or `trainable`";
                    return Err(Error::new_spanned(
                        &key,
                        format!("unknown weight option `{key}`; {expected}"),
                    ));
                }
            }
        }
        if input.is_empty() { Ok(out) } else { Err(input.error("expected `,`")) }
    }
}
