//! Convolutional networks.

use keras::prelude::*;

model! {
    pub ResNet20(x: [32, 32, 3]) -> [10] {
        let conv = |x, filters, size, stride| {
            let y = Conv2D(filters, size, strides = stride, padding = same, use_bias = false)(x);
            BatchNormalization()(y)
        };
        let block = |x, filters, stride| {
            let y = relu(conv(x, filters, 3, stride));
            let y = conv(y, filters, 3, 1);
            let x = if stride == 2 { conv(x, filters, 1, 2) } else { x };
            relu(y + x)
        };
        let mut x = relu(conv(x, 16, 3, 1));
        for (filters, stride) in [(16, 1), (32, 2), (64, 2)] {
            x = block(x, filters, stride);
            for _ in 0..2 { x = block(x, filters, 1); }
        }
        Dense(10, activation = softmax)(GlobalAveragePooling2D()(x))
    }
}

model! {
    /// `keras.applications.ResNet50`.
    pub ResNet50(x: [224, 224, 3]) -> [1000] {
        let conv = |x, filters, size, stride| {
            let y = Conv2D(filters, size, strides = stride, padding = same)(x);
            BatchNormalization(epsilon = 1.001e-5)(y)
        };
        let block = |x, filters, stride, projects| {
            let short = if projects == 1 { conv(x, 4 * filters, 1, stride) } else { x };
            let y = relu(conv(x, filters, 1, stride));
            let y = relu(conv(y, filters, 3, 1));
            relu(short + conv(y, 4 * filters, 1, 1))
        };
        let x = Conv2D(64, 7, strides = 2)(ZeroPadding2D(3)(x));
        let x = relu(BatchNormalization(epsilon = 1.001e-5)(x));
        let mut x = MaxPooling2D(3, strides = 2)(ZeroPadding2D(1)(x));
        for (filters, blocks, stride) in [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)] {
            x = block(x, filters, stride, 1);
            for _ in 1..blocks { x = block(x, filters, 1, 0); }
        }
        Dense(1000, activation = softmax)(GlobalAveragePooling2D()(x))
    }
}

model! {
    /// `keras.applications.MobileNetV2`.
    pub MobileNetV2(x: [224, 224, 3]) -> [1000] {
        let norm = |x| BatchNormalization(epsilon = 1e-3, momentum = 0.999)(x);
        let point = |x, filters| norm(Conv2D(filters, 1, padding = same, use_bias = false)(x));
        let deep = |x, stride| {
            let y = if stride == 2 {
                let x = ZeroPadding2D(((0, 1), (0, 1)))(x);
                DepthwiseConv2D(3, strides = 2, use_bias = false)(x)
            } else {
                DepthwiseConv2D(3, padding = same, use_bias = false)(x)
            };
            relu6(norm(y))
        };
        let block = |x, wide, filters, stride| point(deep(relu6(point(x, wide)), stride), filters);
        let x = Conv2D(32, 3, strides = 2, padding = same, use_bias = false)(x);
        let mut x = point(deep(relu6(norm(x)), 1), 16);
        for (before, filters, more, stride) in
            [(16, 24, 1, 2), (24, 32, 2, 2), (32, 64, 3, 2), (64, 96, 2, 1), (96, 160, 2, 2), (160, 320, 0, 1)]
        {
            x = block(x, 6 * before, filters, stride);
            for _ in 0..more { x = x + block(x, 6 * filters, filters, 1); }
        }
        let x = relu6(point(x, 1280));
        Dense(1000, activation = softmax)(GlobalAveragePooling2D()(x))
    }
}
