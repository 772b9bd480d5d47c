//! Typed access to what a model holds: layers, layers inside them, weights and state, by name at compile time and at run time.

use keras::ndarray::{Array1, Array2, ArrayD, array};
use keras::prelude::*;

/// A layer with a parameter of its type, and state.
#[derive(Layer, Clone, Copy, Debug)]
pub struct Scaled<const N: usize> {
    #[config(default = true)]
    shift: bool,
    #[weight([N], init = Ones)]
    scale: Weight,
    #[weight([N], init = Zeros, when = shift)]
    offset: Weight,
}

#[call]
impl<const N: usize> Scaled<N> {
    fn call(&self, x: Tensor) -> Tensor {
        if self.shift { x * self.scale + self.offset } else { x * self.scale }
    }
}

model! { pub Tower([6, 8]) -> [6, 8] = [Dense(8, activation = tanh), Scaled::<8>(), Dense(8)] }
model! {
    pub Net(x: [6, 8], frozen: [6, 8]) -> [3] {
        let tower = Tower();
        let backbone = Tower(trainable = false);
        let x = BatchNormalization()(tower(x) + backbone(frozen));
        let x = MultiHeadAttention(2, 4)(x, x);
        let x = Bidirectional(LSTM(4, return_sequences = true))(x);
        let x = TimeDistributed(Dense(5, use_bias = false))(x);
        let x = Flatten()(x);
        let head = Dense(3);
        head(x)
    }
}
model! { pub Outer(x: [6, 8]) -> [1] { let net = Net(); Dense(1)(net(x, x)) } }
model! { pub Sized<const UNITS: usize = 4>([8]) -> [UNITS] = [Scaled::<8>(shift = false), Dense(UNITS)] }

fn model() -> Model<Net> {
    Model::new(Device::default())
}

/// Reads the variable of this path from the network.
fn by_path(network: &keras::engine::Network, path: &str) -> ArrayD<f32> {
    let variable = network.variables().iter().find(|v| v.path() == path).expect("there is such a variable");
    let values = network.read(variable).iter().map(|v| *v as f32).collect();
    ArrayD::from_shape_vec(variable.shape().to_vec(), values).expect("it is as large as its shape")
}

#[test]
fn weights_are_read_by_name() {
    let model = model();
    let network = model.network();
    let read: [(ArrayD<f32>, &str); 12] = [
        (model.head().kernel(), "head/kernel"),
        (model.head().bias().expect("it has one"), "head/bias"),
        (model.tower().dense().kernel(), "tower/dense/kernel"),
        (model.tower().dense_1().kernel(), "tower/dense_1/kernel"),
        (model.tower().scaled().scale(), "tower/scaled/scale"),
        (model.backbone().dense_1().kernel(), "backbone/dense_1/kernel"),
        (model.batch_normalization().moving_variance(), "batch_normalization/moving_variance"),
        (model.multi_head_attention().query_dense().kernel(), "multi_head_attention/query_dense/kernel"),
        (model.multi_head_attention().output_dense().kernel(), "multi_head_attention/output_dense/kernel"),
        (model.bidirectional().forward_layer().kernel(), "bidirectional/forward_layer/cell/kernel"),
        (
            model.bidirectional().backward_layer().recurrent_kernel(),
            "bidirectional/backward_layer/cell/recurrent_kernel",
        ),
        (model.time_distributed().layer().kernel(), "time_distributed/layer/kernel"),
    ];
    for (values, path) in read {
        assert_eq!(values, by_path(network, path), "{path}");
    }
    // Random kernels are all different: the paths were told apart.
    assert_ne!(model.tower().dense().kernel(), model.tower().dense_1().kernel());
    assert_ne!(model.tower().dense().kernel(), model.backbone().dense().kernel());
    assert_ne!(
        model.bidirectional().forward_layer().kernel(),
        model.bidirectional().backward_layer().kernel()
    );
    // What an option leaves out is not there.
    assert_eq!(model.time_distributed().layer().bias(), None);
    assert_eq!(model.multi_head_attention().gate_dense().bias(), None);
    assert_eq!(model.batch_normalization().renorm_mean(), None);
}

#[test]
fn both_directions_have_layers_of_their_own() {
    model! { Ways([6, 8]) -> [5] = [Bidirectional(LSTM(2), backward_layer = GRU(3, go_backwards = true))] }
    let mut model = Model::<Ways>::new(Device::default());
    let kernel = Array2::<f32>::ones((8, 9));
    model.bidirectional_mut().backward_layer_mut().set_kernel(&kernel).expect("it fits");
    let (layer, network) = (model.bidirectional(), model.network());
    assert_eq!(layer.backward_layer().kernel(), by_path(network, "bidirectional/backward_layer/cell/kernel"));
    assert_eq!(layer.backward_layer().kernel(), kernel.into_dyn());
    assert_eq!(layer.forward_layer().kernel().shape(), [8, 8]);
}

#[test]
fn models_at_each_step_are_entered() {
    model! { Steps([3, 6, 8]) -> [3, 6, 4] = [TimeDistributed(Tower), Dense(4)] }
    let mut model = Model::<Steps>::new(Device::default());
    let kernel = Array2::<f32>::eye(8);
    model.time_distributed_mut().layer_mut().dense_1_mut().set_kernel(&kernel).expect("it fits");
    let (layer, network) = (model.time_distributed(), model.network());
    assert_eq!(layer.layer().dense_1().kernel(), kernel.into_dyn());
    assert_eq!(layer.layer().dense_1().kernel(), by_path(network, "time_distributed/tower/dense_1/kernel"));
    assert_eq!(layer.layer().dense().kernel(), by_path(network, "time_distributed/tower/dense/kernel"));
    assert_eq!(model.dense().kernel(), by_path(network, "dense/kernel"));
}

#[test]
fn models_inside_models_inside_models() {
    let mut model = Model::<Outer>::new(Device::default());
    let kernel = Array2::<f32>::eye(8);
    model.net_mut().tower_mut().dense_1_mut().set_kernel(&kernel).expect("it fits");
    assert_eq!(model.net().tower().dense_1().kernel(), kernel.into_dyn());
    assert_eq!(by_path(model.network(), "net/tower/dense_1/kernel"), Array2::<f32>::eye(8).into_dyn());
    assert_eq!(model.net().head().kernel().shape(), [30, 3]);
    assert_eq!(model.dense().kernel().shape(), [3, 1]);
}

#[test]
fn generic_models_and_layers() {
    let mut model = Model::<Sized<2>>::new(Device::default());
    assert_eq!(model.scaled().scale(), Array1::<f32>::ones(8).into_dyn());
    assert_eq!(model.scaled().offset(), None);
    assert_eq!(model.dense().kernel().shape(), [8, 2]);
    assert_eq!(model.dense().outputs()[0].shape().to_vec(), [2]);
    let error = model.scaled_mut().set_offset(&Array1::zeros(8)).unwrap_err();
    assert_eq!(error.to_string(), "the layer `scaled` has no `offset`");
}

#[test]
fn weights_that_are_set_are_used() -> keras::Result<()> {
    model! { Line([2]) -> [1] = [Dense(1)] }
    let mut model = Model::<Line>::new(Device::default());
    model.dense_mut().set_kernel(&array![[2.0], [3.0]])?;
    model.dense_mut().set_bias(&array![0.5])?;
    let x: Batch<D1<2>> = Batch::new(vec![1.0, 1.0, 10.0, 0.0])?;
    assert_eq!(model.predict(&x)?.as_slice(), [5.5, 20.5]);
    // A view, transposed, is an array like any other.
    model.dense_mut().set_kernel(&array![[1.0, -1.0]].t())?;
    assert_eq!(model.predict(&x)?.as_slice(), [0.5, 10.5]);
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut model = model();
    let before = model.get_weights();
    let table: [(keras::Result<()>, &str); 5] = [
        (
            model.head_mut().set_kernel(&Array2::zeros((3, 30))),
            "`head/kernel` has the shape [30, 3], an array of shape [3, 30] was given",
        ),
        (
            model.tower_mut().dense_mut().set_bias(&Array1::zeros(7)),
            "`tower/dense/bias` has the shape [8], an array of shape [7] was given",
        ),
        (
            model.time_distributed_mut().layer_mut().set_bias(&Array1::zeros(5)),
            "the layer `time_distributed` has no `bias`",
        ),
        (
            model.head_mut().set_weights(&[Array2::zeros((30, 3)).into_dyn()]),
            "the layer `head` has 2 weights, 1 arrays were given: head/kernel, head/bias",
        ),
        (
            model.head_mut().set_weights(&[Array2::zeros((30, 3)).into_dyn(), Array1::zeros(4).into_dyn()]),
            "`head/bias` has the shape [3], an array of shape [4] was given",
        ),
    ];
    for (result, message) in table {
        assert_eq!(result.unwrap_err().to_string(), message);
    }
    assert_eq!(model.get_weights(), before);
    let error = model.set_weights(&before[1..]).unwrap_err().to_string();
    assert!(error.starts_with("the model `net` has "), "{error}");
}

#[test]
fn all_weights_of_models_and_layers_are_read_and_set() -> keras::Result<()> {
    let other = Model::<Net>::with_seed(Device::default(), 7);
    let mut model = model();
    assert_ne!(model.get_weights(), other.get_weights());
    model.set_weights(&other.get_weights())?;
    assert_eq!(model.get_weights(), other.get_weights());
    // Weights come before state, as in Keras.
    let shapes: Vec<Vec<usize>> =
        model.batch_normalization().get_weights().iter().map(|w| w.shape().to_vec()).collect();
    assert_eq!(shapes, [[8]; 4]);
    let norm = model.batch_normalization();
    assert_eq!(norm.get_weights()[3], norm.moving_variance());
    // A model inside has those of its layers.
    let tower = model.tower().get_weights();
    assert_eq!(tower.len(), 6);
    assert_eq!(model.tower().count_params(), Tower::PARAMS);
    model.backbone_mut().set_weights(&tower)?;
    assert_eq!(model.backbone().dense_1().kernel(), model.tower().dense_1().kernel());
    Ok(())
}

#[test]
fn what_a_layer_is() {
    let model = model();
    assert_eq!(model.head().name(), "head");
    assert_eq!(model.head().config().units, 3);
    assert!(model.head().trainable() && model.tower().dense().trainable());
    assert!(!model.backbone().trainable() && !model.backbone().dense().trainable());
    let shape = |specs: &[keras::plan::Spec]| specs.iter().map(|s| s.shape().to_vec()).collect::<Vec<_>>();
    assert_eq!(shape(&model.multi_head_attention().inputs()), [[6, 8], [6, 8]]);
    assert_eq!(shape(&model.head().outputs()), [[3]]);
    // Shapes are types, too.
    fn head(layer: keras::model::LayerRef<'_, Dense, D1<30>, D1<3>>) -> usize {
        layer.count_params()
    }
    assert_eq!(head(model.head()), 93);
    assert_eq!(model.head().variable("kernel"), Some(model.head().kernel()));
    assert_eq!(model.head().variable("gamma"), None);
}

#[test]
fn layers_by_names_of_run_time() -> keras::Result<()> {
    let mut model = Model::<Outer>::new(Device::default());
    let dense = model.layer("net/tower/dense")?;
    assert_eq!((dense.name(), dense.class_name(), dense.trainable()), ("dense", "Dense", true));
    assert_eq!(dense.variable_names(), ["kernel", "bias"]);
    assert_eq!(dense.variable("kernel"), Some(model.net().tower().dense().kernel()));
    assert_eq!(dense.outputs()[0].shape().to_vec(), [6, 8]);
    assert!(!model.layer("net/backbone/dense")?.trainable());
    let names = model.layer("net/bidirectional")?.variable_names();
    assert_eq!(names[0], "forward_layer/cell/kernel");
    let kernel = Array2::<f32>::zeros((3, 1));
    model.layer_mut("dense")?.set_variable("kernel", &kernel)?;
    assert_eq!(model.dense().kernel(), kernel.into_dyn());

    let message = |name: &str| model.layer(name).err().expect("there is none").to_string();
    assert_eq!(message("tower"), "there is no layer `tower`; there are: net, dense");
    assert!(
        message("net/towr").starts_with("there is no layer `towr` in `net`; there are: tower, backbone, ")
    );
    assert!(message("dense/kernel").starts_with("there is no layer `kernel`"));
    Ok(())
}

#[test]
fn a_compiled_model_has_the_same_access() -> keras::Result<()> {
    let mut model =
        Model::<Tower>::new(Device::default()).compile(SGD::new(0.1), MeanSquaredError::new(), metrics![]);
    model.dense_mut().set_bias(&Array1::<f32>::ones(8))?;
    assert_eq!(model.dense().bias(), Some(Array1::<f32>::ones(8).into_dyn()));
    Ok(())
}
