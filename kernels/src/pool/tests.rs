use super::*;
use crate::testing::{floats, same_on_any_threads, view};
use crate::{Device, Mode};

/// Sizes that windows, strides and channels do not divide, with and without padding.
fn cases() -> Vec<Pool> {
    let pool = |batch, input, window, strides, padding, output, channels| Pool {
        kind: PoolKind::Max,
        rank: 3,
        batch,
        input,
        output,
        window,
        strides,
        padding,
        channels,
    };
    let mut all = vec![
        pool(3, [1, 7, 9], [1, 2, 2], [1, 2, 2], [0; 3], [1, 3, 4], 5),
        pool(2, [1, 8, 5], [1, 3, 2], [1, 1, 3], [0, 1, 0], [1, 8, 2], 33),
        pool(2, [1, 1, 11], [1, 1, 4], [1, 1, 2], [0, 0, 1], [1, 1, 5], 1),
        // Windows that cover the input, and windows that leave some of it out.
        pool(2, [1, 6, 4], [1, 3, 2], [1, 3, 2], [0; 3], [1, 2, 2], 35),
        pool(2, [1, 7, 8], [1, 2, 2], [1, 3, 2], [0; 3], [1, 2, 4], 6),
        pool(1, [4, 3, 5], [2, 2, 2], [1, 2, 1], [1, 0, 1], [4, 2, 5], 150),
    ];
    let average = all.iter().map(|p| Pool { kind: PoolKind::Average, ..*p });
    all.extend(average.collect::<Vec<_>>());
    all
}

fn sizes(pool: &Pool) -> (usize, usize) {
    let size = |dims: [usize; 3]| dims.iter().product::<usize>() * pool.batch * pool.channels;
    (size(pool.input), size(pool.output))
}

#[test]
fn it_is_the_plain_one() {
    for pool in cases() {
        let (n, m) = sizes(&pool);
        // Equal numbers, and some that are none.
        let mut x: Vec<f32> = floats(n, 1).iter().map(|x| (x * 4.0).round()).collect();
        x.iter_mut().step_by(97).for_each(|x| *x = f32::NAN);
        let (mut dy, device) = (floats(m, 2), Device::cpu());
        let (mut y, mut plain_y) = (vec![0f32; m], vec![0f32; m]);
        let (xv, yv, dyv) = (view(&mut x, &[n]), view(&mut y, &[m]), view(&mut dy, &[m]));
        device.pool(&pool, xv, yv);
        plain::forward::<f32>(&pool, xv, view(&mut plain_y, &[m]));
        let bits = |all: &[f32]| all.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&y), bits(&plain_y), "{pool:?}");
        for mode in [Mode::Write, Mode::Add] {
            let (mut dx, mut plain_dx) = (vec![1f32; n], vec![1f32; n]);
            device.pool_grad(&pool, xv, yv, dyv, Grad { view: view(&mut dx, &[n]), mode });
            plain::backward::<f32>(&pool, xv, yv, dyv, Grad { view: view(&mut plain_dx, &[n]), mode });
            assert_eq!(bits(&dx), bits(&plain_dx), "{pool:?}");
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for pool in cases() {
        let pool = Pool { batch: 40, ..pool };
        let (n, m) = sizes(&pool);
        same_on_any_threads(|device| {
            let (mut x, mut y, mut dy, mut dx) = (floats(n, 1), vec![0f32; m], floats(m, 2), vec![0f32; n]);
            let (xv, yv) = (view(&mut x, &[n]), view(&mut y, &[m]));
            device.pool(&pool, xv, yv);
            device.pool_grad(&pool, xv, yv, view(&mut dy, &[m]), Grad::write(view(&mut dx, &[n])));
            [y, dx].concat()
        });
    }
}
