use crate::testing::{close, floats, is_gradient, numbers, same_on_any_threads, view};
use crate::{Device, Grad};

#[test]
fn rows_are_found_by_any_kind_of_index() {
    let device = Device::cpu();
    let (mut table, mut y) = (vec![0.0, 1.0, 10.0, 11.0, 20.0, 21.0], vec![0.0; 8]);
    let table = view(&mut table, &[3, 2]);
    let expected = [20.0, 21.0, 0.0, 1.0, 20.0, 21.0, f64::NAN, f64::NAN];
    let (mut ids, mut floats) = (vec![2i32, 0, -1, 3], vec![2.7f32, 0.0, -1.0, -4.0]);
    device.gather(table, view(&mut ids, &[2, 2]), view(&mut y, &[2, 2, 2]));
    close(&y, &expected, 0.0);
    device.gather(table, view(&mut floats, &[4]), view(&mut y, &[4, 2]));
    close(&y, &expected, 0.0);
}

#[test]
fn scatter_is_the_gradient_of_gather() {
    let device = Device::cpu();
    let (mut table, mut dy, mut ids) = (numbers(12, 1), numbers(15, 2), vec![1i64, 3, 1, -1, 0]);
    let idv = view(&mut ids, &[5]);
    let weights = dy.clone();
    let mut dtable = vec![f64::NAN; 12];
    device.scatter_add(idv, view(&mut dy, &[5, 3]), Grad::write(view(&mut dtable, &[4, 3])));
    is_gradient(&table.clone(), &dtable, |x| {
        table.copy_from_slice(x);
        let mut y = vec![0.0; 15];
        device.gather(view(&mut table, &[4, 3]), idv, view(&mut y, &[5, 3]));
        y.iter().zip(&weights).map(|(y, w)| y * w).sum()
    });
    let once = dtable.clone();
    device.scatter_add(idv, view(&mut dy, &[5, 3]), Grad::add(view(&mut dtable, &[4, 3])));
    close(&dtable, &once.iter().map(|d| 2.0 * d).collect::<Vec<_>>(), 1e-15);
}

#[test]
fn an_index_out_of_range_gives_no_gradient() {
    let (mut ids, mut dy, mut dtable) = (vec![5i32, -3], vec![1.0, 1.0], vec![7.0, 7.0]);
    let target = Grad::write(view(&mut dtable, &[2, 1]));
    Device::cpu().scatter_add(view(&mut ids, &[2]), view(&mut dy, &[2, 1]), target);
    assert_eq!(dtable, [0.0, 0.0]);
}

#[test]
fn threads_do_not_change_a_bit() {
    let (count, rows, width) = (3000, 97, 65);
    same_on_any_threads(|device| {
        let mut ids: Vec<i32> = (0..count).map(|i| (i * i % rows) as i32).collect();
        let (mut dy, mut dtable) = (floats(count * width, 1), vec![0f32; rows * width]);
        let target = Grad::write(view(&mut dtable, &[rows, width]));
        device.scatter_add(view(&mut ids, &[count]), view(&mut dy, &[count, width]), target);
        dtable
    });
}

#[test]
fn one_hot_is_zero_but_for_the_index() {
    let (mut ids, mut y) = (vec![2i32, 0, -1, 3], vec![f64::NAN; 12]);
    let expected = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    Device::cpu().one_hot(view(&mut ids, &[4]), view(&mut y, &[4, 3]));
    close(&y, &expected, 0.0);
    let mut floats = vec![2.7f32, 0.0, f32::NAN, -0.5];
    Device::cpu().one_hot(view(&mut floats, &[2, 2]), view(&mut y, &[2, 2, 3]));
    close(&y, &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0], 0.0);
}
