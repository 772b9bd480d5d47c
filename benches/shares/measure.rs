//! Turns of a kernel and of what it is compared with.

use std::time::Instant;

use keras_kernels::Device;

use crate::case::{Case, Work};
use crate::peak::{self, Scale};

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Effort {
    rounds: usize,
    /// Of a turn.
    seconds: f64,
}

impl Effort {
    pub const FULL: Effort = Effort { rounds: 15, seconds: 4e-3 };
    pub const SHORT: Effort = Effort { rounds: 3, seconds: 1e-3 };
}

pub struct Measured {
    /// Of a run.
    pub seconds: f64,
    /// Of the peak.
    pub share: f64,
}

/// Measures a case on this thread, in turn with the machine.
pub fn measure(case: &Case, effort: Effort) -> Measured {
    let mut run = case.on(&Device::cpu());
    let (mut machine, amount): (Box<dyn FnMut()>, f64) = match case.work {
        Work::Flops(_) => (Box::new(peak::multiply_adds), peak::FLOPS),
        Work::Traffic(bytes) => {
            let mut scale = Scale::new(bytes);
            let amount = scale.traffic();
            (Box::new(move || scale.run()), amount)
        }
    };
    let runs = enough(&mut run, effort.seconds, processor_time);
    let turns = enough(&mut machine, effort.seconds, processor_time);
    let (mut seconds, mut shares) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        let best = amount / turn(&mut machine, turns, processor_time);
        let time = turn(&mut run, runs, processor_time);
        seconds.push(time);
        shares.push(case.work.amount() / time / best);
    }
    Measured { seconds: median(seconds), share: median(shares) }
}

/// How many times as fast a case is on so many threads.
pub fn scaling(case: &Case, threads: usize) -> f64 {
    let effort = Effort::FULL;
    let devices = [1, threads].map(Device::cpu_with_threads);
    let mut runs = devices.each_ref().map(|device| case.on(device));
    // In the pool, as in the midst of a model's step: entering it is no part of a kernel.
    let inside = |i: usize, work: &mut (dyn FnMut() -> f64 + Send)| {
        let mut result = 0.0;
        devices[i].install(usize::MAX, &mut || result = work());
        result
    };
    let counts =
        [0, 1].map(|i| inside(i, &mut || enough(&mut runs[i], effort.seconds, wall_time) as f64) as usize);
    let mut ratios = Vec::new();
    for _ in 0..effort.rounds {
        let [one, several] = [0, 1].map(|i| inside(i, &mut || turn(&mut runs[i], counts[i], wall_time)));
        ratios.push(one / several);
    }
    median(ratios)
}

/// How many runs take so long. They warm up, too.
fn enough(run: &mut impl FnMut(), seconds: f64, now: fn() -> f64) -> usize {
    let mut runs = 1;
    loop {
        let time = turn(run, runs, now) * runs as f64;
        if time >= seconds / 2.0 || runs >= 1 << 24 {
            return ((runs as f64 * seconds / time).ceil() as usize).clamp(1, 1 << 24);
        }
        runs *= 2;
    }
}

/// Seconds of one of so many runs.
fn turn(run: &mut impl FnMut(), runs: usize, now: fn() -> f64) -> f64 {
    let start = now();
    for _ in 0..runs {
        run();
    }
    (now() - start).max(1e-9) / runs as f64
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Seconds that this thread has worked: other work on the machine does not count.
fn processor_time() -> f64 {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    }
    #[cfg(not(unix))]
    wall_time()
}

fn wall_time() -> f64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed().as_secs_f64()
}
