//! Convolutions: forward, the gradient of the input, the gradient of the kernel. The work is that of the definition: an algorithm with
//! fewer multiplications has a share above 1.

use keras_kernels::Grad;
use keras_kernels::conv::{Conv, Epilogue};

use crate::case::{Case, Room};

/// Batch, size of a square image, size of a square kernel, stride, channels, filters, groups.
const IMAGES: [[usize; 7]; 18] = [
    [8, 56, 3, 1, 64, 64, 1],
    [8, 28, 3, 1, 128, 128, 1],
    [8, 14, 3, 1, 256, 256, 1],
    [8, 7, 3, 1, 512, 512, 1],
    [64, 32, 3, 1, 16, 16, 1],
    [64, 16, 3, 1, 32, 32, 1],
    [64, 8, 3, 1, 64, 64, 1],
    [64, 32, 3, 2, 16, 32, 1],
    [8, 56, 3, 2, 128, 128, 1],
    [8, 28, 5, 1, 64, 64, 1],
    [8, 56, 1, 1, 64, 256, 1],
    [8, 56, 1, 1, 256, 64, 1],
    [8, 56, 1, 2, 256, 512, 1],
    [8, 224, 7, 2, 3, 64, 1],
    [128, 28, 3, 1, 1, 32, 1],
    [8, 14, 3, 1, 576, 576, 576],
    [8, 56, 3, 1, 144, 144, 144],
    [8, 112, 3, 2, 96, 96, 96],
];

pub fn cases() -> Vec<Case> {
    IMAGES.iter().flat_map(each).collect()
}

fn each(&[batch, size, kernel, stride, channels, filters, groups]: &[usize; 7]) -> [Case; 3] {
    let out = size.div_ceil(stride);
    let padding = ((out - 1) * stride + kernel).saturating_sub(size) / 2;
    let conv = Conv {
        rank: 2,
        batch,
        input: [size, size, 1],
        output: [out, out, 1],
        kernel: [kernel, kernel, 1],
        strides: [stride, stride, 1],
        dilation: [1; 3],
        padding: [padding, padding, 0],
        channels,
        filters,
        groups,
    };
    let layer = match (groups, stride) {
        (1, 1) => format!("{kernel}x{kernel} {channels} to {filters}"),
        (1, _) => format!("{kernel}x{kernel} {channels} to {filters} stride {stride}"),
        (_, 1) => format!("{kernel}x{kernel} depthwise {channels}"),
        _ => format!("{kernel}x{kernel} depthwise {channels} stride {stride}"),
    };
    ["conv", "conv input gradient", "conv kernel gradient"]
        .map(|pass| case(format!("{pass} {layer}, {batch} of {size}x{size}"), pass, conv))
}

fn case(name: String, pass: &'static str, conv: Conv) -> Case {
    Case::flops(name, conv.flops(), move |device| {
        let (device, mut room) = (device.clone(), Room::default());
        let area = |size: [usize; 3]| size.iter().product::<usize>();
        let x = room.floats(&[conv.batch * area(conv.input) * conv.channels]);
        let kernel = room.floats(&[area(conv.kernel) * conv.channels / conv.groups * conv.filters]);
        let y = room.floats(&[conv.batch * area(conv.output) * conv.filters]);
        let beside = |room: &mut Room, len: usize| (len > 0).then(|| room.floats(&[len]));
        match pass {
            "conv" => {
                let packed = beside(&mut room, conv.packed_len());
                if let Some(packed) = packed {
                    device.conv_pack(&conv, kernel, packed);
                }
                Box::new(move || {
                    let _ = &room;
                    device.conv(&conv, x, kernel, packed, &Epilogue::NONE, y);
                })
            }
            "conv input gradient" => {
                let scratch = beside(&mut room, conv.data_grad_scratch_len());
                Box::new(move || {
                    let _ = &room;
                    device.conv_data_grad(&conv, y, kernel, scratch, Grad::write(x));
                })
            }
            _ => Box::new(move || {
                let _ = &room;
                device.conv_kernel_grad(&conv, x, y, Grad::write(kernel));
            }),
        }
    })
}
