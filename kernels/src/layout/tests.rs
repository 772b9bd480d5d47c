use super::Walk;
use crate::testing::{floats, same_on_any_threads, view};
use crate::{DType, Device, Grad, MAX_RANK, Mode, Shape, View};

fn strides(of: &[isize]) -> [isize; MAX_RANK] {
    std::array::from_fn(|i| of.get(i).copied().unwrap_or(0))
}

fn walk(dims: &[usize], from: usize, from_strides: &[isize], to: usize, to_strides: &[isize]) -> Walk {
    Walk {
        shape: Shape::of(dims),
        from,
        from_strides: strides(from_strides),
        to,
        to_strides: strides(to_strides),
    }
}

/// The definition: every step, one after another.
fn plain(walk: &Walk, from: &[f32], to: &mut [f32], mode: Mode) {
    let n = walk.shape.size();
    let places: Vec<(usize, usize)> = (0..n)
        .map(|mut i| {
            let (mut f, mut t) = (walk.from as isize, walk.to as isize);
            for axis in (0..walk.shape.rank()).rev() {
                let k = (i % walk.shape.dim(axis)) as isize;
                i /= walk.shape.dim(axis);
                f += k * walk.from_strides[axis];
                t += k * walk.to_strides[axis];
            }
            (f as usize, t as usize)
        })
        .collect();
    if mode == Mode::Write {
        places.iter().for_each(|(_, t)| to[*t] = 0.0);
    }
    places.iter().for_each(|(f, t)| to[*t] += from[*f]);
}

#[test]
fn every_kind_of_walk_is_its_definition() {
    let cases = [
        ("copy", walk(&[5, 7], 0, &[7, 1], 0, &[7, 1])),
        ("scalar", walk(&[], 3, &[], 4, &[])),
        ("transpose", walk(&[37, 70], 0, &[1, 37], 0, &[70, 1])),
        ("batched transpose", walk(&[3, 33, 40], 0, &[1320, 1, 33], 0, &[1320, 40, 1])),
        ("slice with steps", walk(&[4, 3], 2, &[20, 2], 0, &[3, 1])),
        ("backwards", walk(&[6], 5, &[-1], 0, &[1])),
        ("into the middle", walk(&[4, 3], 0, &[3, 1], 7, &[5, 1])),
        ("repeat", walk(&[6, 4, 5], 0, &[5, 0, 1], 0, &[20, 5, 1])),
        ("spread", walk(&[6, 4], 0, &[1, 0], 0, &[4, 1])),
        ("four dimensions", walk(&[2, 3, 4, 5], 0, &[60, 1, 15, 3], 0, &[60, 20, 5, 1])),
        ("to columns", walk(&[9, 8], 0, &[8, 1], 0, &[1, 9])),
        ("sum of rows", walk(&[6, 5], 0, &[5, 1], 0, &[0, 1])),
        ("sum of columns", walk(&[6, 5], 0, &[5, 1], 0, &[1, 0])),
        ("sum of all", walk(&[6, 5], 0, &[5, 1], 2, &[0, 0])),
        ("sum in the middle", walk(&[6, 4, 5], 0, &[20, 5, 1], 0, &[5, 0, 1])),
        ("windows that overlap", walk(&[4, 3], 0, &[3, 1], 0, &[1, 1])),
        ("nothing", walk(&[0, 3], 0, &[3, 1], 0, &[3, 1])),
    ];
    let device = Device::cpu();
    for (name, walk) in cases {
        for mode in [Mode::Write, Mode::Add] {
            if name == "windows that overlap" && mode == Mode::Write {
                continue;
            }
            println!("{name} {mode:?}");
            let (mut from, mut to) = (floats(5000, 1), floats(5000, 2));
            let mut expected = to.clone();
            plain(&walk, &from, &mut expected, mode);
            device.walk(&walk, view(&mut from, &[5000]), Grad { view: view(&mut to, &[5000]), mode });
            for i in 0..to.len() {
                assert!((to[i] - expected[i]).abs() <= 1e-5, "at {i}: {} for {}", to[i], expected[i]);
            }
        }
    }
}

#[test]
#[should_panic(expected = "a walk reads")]
fn a_walk_outside_is_caught() {
    let (mut from, mut to) = (vec![0f32; 11], vec![0f32; 12]);
    let walk = walk(&[3, 4], 0, &[4, 1], 0, &[4, 1]);
    Device::cpu().walk(&walk, view(&mut from, &[11]), Grad::write(view(&mut to, &[12])));
}

fn bools(data: &mut [u8]) -> View {
    // SAFETY: bytes that are 0 or 1, alive for the test.
    unsafe { View::new(data.as_mut_ptr(), Shape::of(&[data.len()]), DType::Bool) }
}

#[test]
fn casts_convert_as_rust_does() {
    let device = Device::cpu();
    let (mut x, mut i, mut b) = (vec![-1.5f32, 0.0, 2.9, 300.0, f32::NAN], vec![0i32; 5], vec![9u8; 5]);
    device.cast(view(&mut x, &[5]), view(&mut i, &[5]));
    assert_eq!(i, [-1, 0, 2, 300, 0]);
    device.cast(view(&mut x, &[5]), view(&mut b, &[5]));
    assert_eq!(b, [0, 0, 2, 255, 0]);
    device.cast(view(&mut x, &[5]), bools(&mut b));
    assert_eq!(b, [1, 0, 1, 1, 1]);
    let (mut large, mut same) = (vec![i64::MAX - 1, -7], vec![0i64; 2]);
    device.cast(view(&mut large, &[2]), view(&mut same, &[2]));
    assert_eq!(same, large);
    let mut float = vec![0f64; 5];
    device.cast(bools(&mut b), view(&mut float, &[5]));
    assert_eq!(float, [1.0, 0.0, 1.0, 1.0, 1.0]);
}

#[test]
fn fill_sets_every_element_of_any_type() {
    let device = Device::cpu();
    let (mut x, mut b) = (vec![0i64; 7], vec![0u8; 3]);
    device.fill(-3.0, view(&mut x, &[7]));
    device.fill(0.5, bools(&mut b));
    assert_eq!((x, b), (vec![-3; 7], vec![1; 3]));
}

#[test]
fn threads_do_not_change_a_bit() {
    same_on_any_threads(|device| {
        let (mut from, mut to) = (floats(200_000, 1), floats(200_000, 2));
        let walk = walk(&[500, 20, 20], 0, &[400, 1, 20], 0, &[400, 20, 1]);
        let target = Grad::add(view(&mut to, &[200_000]));
        device.walk(&walk, view(&mut from, &[200_000]), target);
        to
    });
}
