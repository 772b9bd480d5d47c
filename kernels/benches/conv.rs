//! Convolutions: `RAYON_NUM_THREADS=1 cargo bench -p keras-kernels --bench conv`. The throughput column is
//! floating-point operations a second.

use divan::Bencher;
use divan::counter::ItemsCount;
use keras_kernels::conv::{Conv, Epilogue};
use keras_kernels::{Cpu, Device, Grad, Shape, View};

fn main() {
    divan::main();
}

/// A vector of numbers, and a view of those from the first cache line on, as a model's buffers lie.
fn data(len: usize) -> (Vec<f32>, View) {
    let mut data: Vec<f32> = (0..len + LINE).map(|i| (i * 7919 % 1000) as f32 / 500.0 - 1.0).collect();
    let start = data.as_ptr().align_offset(LINE * size_of::<f32>());
    // SAFETY: the vector is returned beside its view and does not grow.
    let view = unsafe { View::of(&mut data[start..start + len], Shape::of(&[len])) };
    (data, view)
}

/// Numbers in a cache line.
const LINE: usize = 16;

/// A square image under a square kernel with `same` padding.
#[derive(Clone, Copy, Debug)]
struct Image {
    batch: usize,
    size: usize,
    kernel: usize,
    stride: usize,
    channels: usize,
    filters: usize,
    groups: usize,
}

const IMAGES: [Image; 16] = [
    Image { batch: 8, size: 56, kernel: 3, stride: 1, channels: 64, filters: 64, groups: 1 },
    Image { batch: 8, size: 14, kernel: 3, stride: 1, channels: 256, filters: 256, groups: 1 },
    Image { batch: 8, size: 7, kernel: 3, stride: 1, channels: 512, filters: 512, groups: 1 },
    Image { batch: 64, size: 32, kernel: 3, stride: 1, channels: 16, filters: 16, groups: 1 },
    Image { batch: 64, size: 16, kernel: 3, stride: 1, channels: 16, filters: 32, groups: 1 },
    Image { batch: 64, size: 16, kernel: 3, stride: 1, channels: 32, filters: 32, groups: 1 },
    Image { batch: 64, size: 8, kernel: 3, stride: 1, channels: 64, filters: 64, groups: 1 },
    Image { batch: 8, size: 14, kernel: 3, stride: 1, channels: 576, filters: 576, groups: 576 },
    Image { batch: 128, size: 11, kernel: 3, stride: 1, channels: 32, filters: 64, groups: 1 },
    Image { batch: 8, size: 56, kernel: 1, stride: 1, channels: 256, filters: 64, groups: 1 },
    Image { batch: 8, size: 224, kernel: 7, stride: 2, channels: 3, filters: 64, groups: 1 },
    Image { batch: 64, size: 32, kernel: 3, stride: 2, channels: 16, filters: 32, groups: 1 },
    Image { batch: 8, size: 56, kernel: 3, stride: 2, channels: 64, filters: 64, groups: 1 },
    Image { batch: 64, size: 32, kernel: 3, stride: 1, channels: 3, filters: 16, groups: 1 },
    Image { batch: 128, size: 28, kernel: 3, stride: 1, channels: 1, filters: 32, groups: 1 },
    Image { batch: 8, size: 56, kernel: 3, stride: 1, channels: 128, filters: 128, groups: 128 },
];

impl Image {
    fn conv(&self) -> Conv {
        let out = self.size.div_ceil(self.stride);
        let padding = ((out - 1) * self.stride + self.kernel).saturating_sub(self.size) / 2;
        Conv {
            rank: 2,
            batch: self.batch,
            input: [self.size, self.size, 1],
            output: [out, out, 1],
            kernel: [self.kernel, self.kernel, 1],
            strides: [self.stride, self.stride, 1],
            dilation: [1; 3],
            padding: [padding, padding, 0],
            channels: self.channels,
            filters: self.filters,
            groups: self.groups,
        }
    }

    fn run(&self, bencher: Bencher<'_, '_>, work: impl Fn(&Device, &Conv, View, [View; 2], View) + Sync) {
        self.run_on(Device::cpu(), bencher, work);
    }

    fn run_on(
        &self,
        device: Device,
        bencher: Bencher<'_, '_>,
        work: impl Fn(&Device, &Conv, View, [View; 2], View) + Sync,
    ) {
        let conv = self.conv();
        let area = |size: [usize; 3]| size.iter().product::<usize>();
        let (_x, x) = data(conv.batch * area(conv.input) * conv.channels);
        let (_kernel, kernel) = data(area(conv.kernel) * conv.channels / conv.groups * conv.filters);
        let (_y, y) = data(conv.batch * area(conv.output) * conv.filters);
        // Packed for the way forward; scratch for the way back.
        let (_packed, packed) = data(conv.packed_len().max(conv.data_grad_scratch_len()));
        if conv.packed_len() > 0 {
            device.conv_pack(&conv, kernel, packed);
        }
        let run = || device.install(usize::MAX, &mut || work(&device, &conv, x, [kernel, packed], y));
        bencher.counter(ItemsCount::new(conv.flops())).bench_local(run);
    }
}

#[divan::bench(args = IMAGES)]
fn conv(bencher: Bencher<'_, '_>, image: Image) {
    image.run(bencher, |device, conv, x, [kernel, packed], y| {
        let packed = (conv.packed_len() > 0).then_some(packed);
        device.conv(conv, x, kernel, packed, &Epilogue::NONE, y);
    });
}

/// As [`conv`] and [`conv_data_grad`], every sum by its definition.
#[divan::bench(args = IMAGES)]
fn exact_conv(bencher: Bencher<'_, '_>, image: Image) {
    image.run_on(Cpu::new().exact().into(), bencher, |device, conv, x, [kernel, _], y| {
        device.conv(conv, x, kernel, None, &Epilogue::NONE, y);
    });
}

#[divan::bench(args = IMAGES)]
fn exact_conv_data_grad(bencher: Bencher<'_, '_>, image: Image) {
    image.run_on(Cpu::new().exact().into(), bencher, |device, conv, dx, [kernel, _], dy| {
        device.conv_data_grad(conv, dy, kernel, None, Grad::write(dx));
    });
}

#[divan::bench(args = IMAGES)]
fn conv_data_grad(bencher: Bencher<'_, '_>, image: Image) {
    image.run(bencher, |device, conv, dx, [kernel, scratch], dy| {
        let scratch = (conv.data_grad_scratch_len() > 0).then_some(scratch);
        device.conv_data_grad(conv, dy, kernel, scratch, Grad::write(dx));
    });
}

#[divan::bench(args = IMAGES)]
fn conv_kernel_grad(bencher: Bencher<'_, '_>, image: Image) {
    image.run(bencher, |device, conv, x, [dkernel, _], dy| {
        device.conv_kernel_grad(conv, x, dy, Grad::write(dkernel));
    });
}
