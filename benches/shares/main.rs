//! Kernels as shares of what this machine can do: of its multiply-adds a second, or of the bytes a second that its caches and its memory
//! move, both measured in turn with the kernel.
//!
//! ```text
//! cargo bench --bench shares                     the table
//! cargo bench --bench shares -- conv gemm        cases whose names have one of these words
//! cargo bench --bench shares -- --check          fails where a share is under half of the recorded one
//! cargo bench --bench shares -- --record         records this machine's shares
//! ```

mod case;
mod convolutions;
mod layers;
mod measure;
mod passes;
mod peak;
mod products;
mod recorded;

use std::process::ExitCode;

use case::{Case, Work};
use measure::{Effort, Measured, measure};

fn main() -> ExitCode {
    // What runs outside of a device's own pool stays on one thread.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the pool is built first");
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let (options, words): (Vec<_>, Vec<_>) = arguments.iter().partition(|a| a.starts_with("--"));
    let (mut check, mut record, mut threads) =
        (false, false, std::thread::available_parallelism().map_or(1, usize::from));
    for option in options {
        match (option.as_str(), option.strip_prefix("--threads=").map(str::parse)) {
            ("--check", _) => check = true,
            ("--record", _) => record = true,
            (_, Some(Ok(n))) if n > 0 => threads = n,
            _ => {
                eprintln!("{option} is none of --check, --record, --threads=N");
                return ExitCode::FAILURE;
            }
        }
    }
    let mut cases: Vec<Case> =
        [products::cases(), convolutions::cases(), passes::cases(), layers::cases()].concat();
    cases.retain(|case| words.is_empty() || words.iter().any(|word| case.name.contains(word.as_str())));
    if cases.is_empty() {
        eprintln!("no case has one of the words {words:?}");
        return ExitCode::FAILURE;
    }
    if check { gate(&cases) } else { table(&cases, threads, record) }
}

/// Prints all cases.
fn table(cases: &[Case], threads: usize, record: bool) -> ExitCode {
    println!(
        "{}, one thread: processor time, medians. Traffic: bytes read, written, and fetched before they are overwritten.",
        peak::name()
    );
    println!("{:60} {:>10} {:>16} {:>7} {:>12}", "", "time", "work", "share", format!("{threads} threads"));
    let mut shares = Vec::new();
    for case in cases {
        let Measured { seconds, share } = measure(case, Effort::FULL);
        let scaling = (threads > 1).then(|| measure::scaling(case, threads));
        let unit = match case.work {
            Work::Flops(_) => "GFLOP/s",
            Work::Traffic(_) => "GB/s",
        };
        println!(
            "{:60} {:>10} {:>8.1} {unit:7} {:>5.0} % {:>12}",
            case.name,
            time(seconds),
            case.work.amount() / seconds / 1e9,
            share * 100.0,
            scaling.map_or(String::new(), |s| format!("{s:.2}x")),
        );
        shares.push((case.name.clone(), share));
    }
    if record {
        if let Err(error) = recorded::write(&shares) {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Compares all cases with what was recorded. Other work on the machine can only make a share smaller, so a case that fails is measured
/// again, twice.
fn gate(cases: &[Case]) -> ExitCode {
    let recorded = recorded::read();
    let (mut failed, mut unknown) = (0, 0);
    for case in cases {
        let Some(expected) = recorded.get(&case.name) else {
            unknown += 1;
            continue;
        };
        let mut best = 0.0f64;
        for effort in [Effort::SHORT, Effort::FULL, Effort::FULL] {
            best = best.max(measure(case, effort).share);
            if best >= expected / 2.0 {
                break;
            }
        }
        if best < expected / 2.0 {
            failed += 1;
            println!("{}: {:.0} % of the peak, recorded {:.0} %", case.name, best * 100.0, expected * 100.0);
        }
    }
    println!(
        "{} kernels on {}: {failed} under half of their recorded share, {unknown} without a record",
        cases.len(),
        peak::name()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-6 => format!("{:.0} ns", s * 1e9),
        s if s < 1e-3 => format!("{:.1} µs", s * 1e6),
        s => format!("{:.2} ms", s * 1e3),
    }
}
