//! Runs the `sigma` engine and rsigma over the same lines with the same rules, in turns, and prints for each lane the events a second of
//! CPU of both, their ratio and their matches. Parsing is inside the measured time of both; log sources are hinted to both alike.

mod clock;
mod generate;
mod lanes;
mod ours;
mod post;
mod report;
mod theirs;

use std::error::Error;
use std::path::{Path, PathBuf};

use clock::{Stopwatch, resident_mib};
use lanes::{Lane, Line};
use ours::Ours;
use report::Routing;
use theirs::Theirs;

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const USAGE: &str = "peers [--data DIR] [--rounds N] [--lane NAME]… [--report FILE] [--profile LANE]
lanes: windows, linux, web, windows-unique, every (no routing: every rule meets every event, matches only), threads, post, large, curve, probes; all without --lane
--profile runs nothing but this project's engine over a lane, for a profiler";

struct Options {
    data: PathBuf,
    rounds: usize,
    lanes: Vec<String>,
    report: PathBuf,
    profile: Option<String>,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = std::env::var_os("WATCHPOST_DATA").map_or_else(|| workspace.join("../shared/data"), PathBuf::from);
    let mut options = Options {
        data,
        rounds: 5,
        lanes: Vec::new(),
        report: workspace.join("target/sigma-differences.txt"),
        profile: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(USAGE);
        match argument.as_str() {
            "--data" => options.data = value()?.into(),
            "--rounds" => options.rounds = value()?.parse::<usize>()?.max(1),
            "--lane" => options.lanes.push(value()?),
            "--profile" => options.profile = Some(value()?),
            "--report" => options.report = value()?.into(),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(options)
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let wants = |name: &str| options.lanes.is_empty() || options.lanes.iter().any(|lane| lane == name);
    let files = read_rules(&options.data.join("sigma"))?;
    let windows = Lane::windows(&options.data)?;
    println!("{} rule files, {} recorded events", files.len(), windows.lines.len());
    let unique = wants("windows-unique").then(|| windows.made_unique());
    let (linux, web) = (wants("linux").then(Lane::linux), wants("web").then(Lane::web));
    let before_mib = resident_mib();
    let mut ours = Ours::load(&files);
    println!(
        "sigma: {} rules, {} refused, {:.1} MiB after loading",
        ours.rules(),
        ours.refused.len(),
        resident_mib() - before_mib
    );
    for refused in &ours.refused {
        println!("  refused: {refused}");
    }
    // The memory of our engine is taken before the peer is loaded, after a pass that fills every buffer and memo.
    let lanes: Vec<&Lane> = [
        wants("windows").then_some(&windows),
        linux.as_ref(),
        web.as_ref(),
        unique.as_ref(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut memory = Vec::new();
    for lane in &lanes {
        let hints = ours::hints(&lane.lines);
        for (line, hint) in lane.lines.iter().zip(&hints) {
            std::hint::black_box(ours.evaluate(&line.text, hint));
        }
        memory.push(resident_mib() - before_mib);
    }
    if let Some(lane) = lanes.iter().find(|lane| options.profile.as_deref() == Some(lane.name)) {
        profile(lane, &mut ours, options.rounds * 20);
        return Ok(());
    }
    let mut theirs = Theirs::load(&files);
    println!(
        "rsigma: load_cpu_s={:.2}, {} refused",
        theirs.load_cpu_s, theirs.refused
    );
    let mut differences = String::new();
    for (lane, memory_mib) in lanes.iter().zip(memory) {
        let comparison = run_lane(lane, &mut ours, &mut theirs, options.rounds, memory_mib);
        differences.push_str(&comparison);
    }
    if wants("every") {
        for lane in &lanes {
            let comparison = report::compare(lane, &mut ours, &theirs, Routing::Every);
            println!(
                "sigma every lane={} matches_ours={} matches_rsigma={}",
                lane.name, comparison.matches_ours, comparison.matches_theirs
            );
            differences.push_str(&comparison.text);
        }
    }
    if wants("probes") {
        differences.push_str(&run_probes());
    }
    if let Some(folder) = options.report.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&options.report, differences)?;
    println!("differences: {}", options.report.display());
    if wants("threads") {
        run_threads(&windows, &ours, options.rounds);
    }
    if wants("post") {
        post::run(&windows, &files, &mut ours, options.rounds);
    }
    if wants("large") {
        run_large(&mut ours, &theirs);
    }
    if wants("curve") {
        run_curve(&files, &windows, options.rounds.min(3));
    }
    Ok(())
}

/// Compares the engines on small rules and events at the edges of the language, one construct each.
fn run_probes() -> String {
    let files = [(
        "probes/rules.yml".to_owned(),
        include_str!("../probes/rules.yml").to_owned(),
    )];
    let (mut ours, theirs) = (Ours::load(&files), Theirs::load(&files));
    let lines = include_str!("../probes/events.ndjson").lines();
    let lines = lines
        .map(|line| Line {
            text: line.to_owned(),
            sources: vec![["probe", "", ""]],
        })
        .collect();
    let lane = Lane { name: "probes", lines };
    let comparison = report::compare(&lane, &mut ours, &theirs, Routing::Every);
    println!(
        "sigma probes: {} rules, ours refuses {:?}, rsigma refuses {}, matches_ours={} matches_rsigma={}",
        ours.rules(),
        ours.refused,
        theirs.refused,
        comparison.matches_ours,
        comparison.matches_theirs
    );
    comparison.text
}

fn profile(lane: &Lane, ours: &mut Ours, rounds: usize) {
    let hints = ours::hints(&lane.lines);
    let watch = Stopwatch::start();
    for (line, hint) in (0..rounds).flat_map(|_| lane.lines.iter().zip(&hints)) {
        std::hint::black_box(ours.evaluate(&line.text, hint));
    }
    println!(
        "{}: {:.0} events/s",
        lane.name,
        (rounds * lane.lines.len()) as f64 / watch.seconds()
    );
}

/// Reads every rule file, so that reading is not part of any load time.
fn read_rules(root: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = [
        "rules",
        "rules-emerging-threats",
        "rules-threat-hunting",
        "rules-compliance",
    ]
    .map(|name| root.join(name))
    .into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                files.push((name, std::fs::read_to_string(&path)?));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Events a second of CPU over all rounds, for both engines in turns.
struct Speeds {
    ours: f64,
    theirs: f64,
}

fn measure(lines: &[Line], ours: &mut Ours, theirs: &Theirs, rounds: usize) -> Speeds {
    let our_hints = ours::hints(lines);
    let their_hints = theirs::hints(lines);
    let (mut our_seconds, mut their_seconds) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let watch = Stopwatch::start();
        for (line, hint) in lines.iter().zip(&our_hints) {
            std::hint::black_box(ours.evaluate(&line.text, hint));
        }
        our_seconds.push(watch.seconds());
        let watch = Stopwatch::start();
        for (line, hint) in lines.iter().zip(&their_hints) {
            std::hint::black_box(theirs.evaluate(&line.text, hint, &mut |_| {}));
        }
        their_seconds.push(watch.seconds());
    }
    Speeds {
        ours: lines.len() as f64 / median(&mut our_seconds),
        theirs: lines.len() as f64 / median(&mut their_seconds),
    }
}

fn median(seconds: &mut [f64]) -> f64 {
    seconds.sort_unstable_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn run_lane(lane: &Lane, ours: &mut Ours, theirs: &mut Theirs, rounds: usize, memory_mib: f64) -> String {
    let configuration = theirs.tune(lane);
    println!(
        "{}: {} events, rsigma is fastest with {configuration}",
        lane.name,
        lane.lines.len()
    );
    let comparison = report::compare(lane, ours, theirs, Routing::Hinted);
    let speeds = measure(&lane.lines, ours, theirs, rounds);
    println!(
        "sigma lane={} ours={:.0} rsigma={:.0} ratio={:.2} matches_ours={} matches_rsigma={} load_cpu_s={:.2} rss_mib={:.0}",
        lane.name,
        speeds.ours,
        speeds.theirs,
        speeds.ours / speeds.theirs,
        comparison.matches_ours,
        comparison.matches_theirs,
        ours.load_cpu_s,
        memory_mib,
    );
    comparison.text
}

/// A line with its hint.
type Work<'a> = (&'a Line, &'a sigma::matcher::LogSourceSet);

/// The same lines by one thread and by two that share the engine, of each the quickest round, since other work on the machine only ever
/// makes a round slower: by wall time, and by the CPU time of the slower thread, which is the wall time where every thread has its core.
fn run_threads(lane: &Lane, ours: &Ours, rounds: usize) {
    let hints = ours::hints(&lane.lines);
    let work: Vec<Work<'_>> = lane.lines.iter().zip(&hints).collect();
    let (mut quickest, mut quickest_cpu) = ([f64::INFINITY; 2], [f64::INFINITY; 2]);
    for _ in 0..rounds {
        for threads in 1..=2 {
            let (wall, cpu) = run_on(threads, &work, ours);
            quickest[threads - 1] = quickest[threads - 1].min(wall);
            quickest_cpu[threads - 1] = quickest_cpu[threads - 1].min(cpu);
        }
    }
    println!(
        "sigma threads=2 lane={} one={:.0} two={:.0} factor={:.2} factor_cpu={:.2}",
        lane.name,
        lane.lines.len() as f64 / quickest[0],
        lane.lines.len() as f64 / quickest[1],
        quickest[0] / quickest[1],
        quickest_cpu[0] / quickest_cpu[1],
    );
}

/// Runs all lines on so many threads, each with a matcher of its own that has seen its lines once, and returns the wall time and the CPU
/// time of the slowest thread, in seconds.
fn run_on(threads: usize, work: &[Work<'_>], ours: &Ours) -> (f64, f64) {
    let start = std::sync::Barrier::new(threads);
    std::thread::scope(|scope| {
        let running = (0..threads).map(|first| {
            // As a sweep hands them out.
            let tasks = work.chunks(1_000).skip(first).step_by(threads);
            let start = &start;
            scope.spawn(move || {
                let mut matcher = ours.beside();
                let mut pass = |tasks: std::iter::StepBy<std::iter::Skip<std::slice::Chunks<'_, Work<'_>>>>| {
                    for (line, hint) in tasks.flatten() {
                        std::hint::black_box(matcher.evaluate(&line.text, hint));
                    }
                };
                pass(tasks.clone());
                start.wait();
                let (wall, cpu) = (std::time::Instant::now(), Stopwatch::start());
                pass(tasks);
                (wall.elapsed().as_secs_f64(), cpu.seconds())
            })
        });
        let running: Vec<_> = running.collect();
        let times = running
            .into_iter()
            .map(|thread| thread.join().expect("matching does not panic"));
        times.fold((0.0_f64, 0.0_f64), |slowest, times| {
            (slowest.0.max(times.0), slowest.1.max(times.1))
        })
    })
}

/// An event with one value of up to 1 MB, in sizes that show whether the cost is linear.
fn run_large(ours: &mut Ours, theirs: &Theirs) {
    let mut dice = generate::Dice::new(3);
    for kib in [64, 256, 1_024] {
        let mut value = String::with_capacity(kib * 1_024);
        while value.len() < kib * 1_000 {
            value.push_str(&format!(
                "Invoke-{:x} -Path C:\\\\Windows\\\\{:x}.exe /c ",
                dice.below(1 << 20),
                dice.below(1 << 30)
            ));
        }
        for (field, category) in [("CommandLine", "process_creation"), ("ScriptBlockText", "ps_script")] {
            let text = format!("{{\"EventID\":1,\"Image\":\"C:\\\\Windows\\\\x.exe\",\"{field}\":\"{value}\"}}");
            let line = [Line {
                text,
                sources: vec![[category, "windows", ""]],
            }];
            let speeds = measure(&line, ours, theirs, 5);
            let nanoseconds = |speed: f64| 1e9 / speed / line[0].text.len() as f64;
            println!(
                "sigma large={kib}KiB field={field} ours_ns_per_byte={:.2} rsigma_ns_per_byte={:.2}",
                nanoseconds(speeds.ours),
                nanoseconds(speeds.theirs)
            );
        }
    }
}

/// The cost of an event as rules are added: subsets of the real rules, then copies of them with other values.
fn run_curve(files: &[(String, String)], windows: &Lane, rounds: usize) {
    let mut shuffled: Vec<&(String, String)> = files.iter().collect();
    let mut dice = generate::Dice::new(11);
    for last in (1..shuffled.len()).rev() {
        shuffled.swap(last, dice.below(last as u64 + 1) as usize);
    }
    let mut all: Vec<(String, String)> = shuffled.into_iter().cloned().collect();
    let originals = all.clone();
    let mut copies = (1..).flat_map(|copy| {
        originals
            .iter()
            .map(move |(name, text)| (format!("{name}#{copy}"), copy_of(text, copy)))
    });
    while all.len() < 10_000 {
        let (name, text) = copies.next().expect("the copies never end");
        if !sigma::document::parse(&name, &text).documents.is_empty() {
            all.push((name, text));
        }
    }
    for count in [100, 300, 1_000, 3_000, 10_000] {
        let mut ours = Ours::load(&all[..count]);
        let mut theirs = Theirs::load(&all[..count]);
        theirs.tune(windows);
        let speeds = measure(&windows.lines, &mut ours, &theirs, rounds);
        println!(
            "sigma rules={count} ours={:.0} rsigma={:.0} ratio={:.2} ours_us_per_event={:.2} load_cpu_s={:.2}",
            speeds.ours,
            speeds.theirs,
            speeds.ours / speeds.theirs,
            1e6 / speeds.ours,
            ours.load_cpu_s
        );
    }
}

/// Returns a rule with another id whose quoted values in the detection end differently.
fn copy_of(text: &str, copy: usize) -> String {
    let mut made = String::new();
    let mut in_detection = false;
    for line in text.lines() {
        if !line.starts_with([' ', '-', '#']) {
            in_detection = line.starts_with("detection:");
        }
        let is_plain = !line.contains("|re") && !line.contains("|cidr") && !line.contains("condition:");
        match line.strip_suffix('\'') {
            Some(open) if in_detection && is_plain && open.contains('\'') => made.push_str(&format!("{open}q{copy}'")),
            _ if line.starts_with("id:") => made.push_str(&format!("{line}-{copy}")),
            _ => made.push_str(line),
        }
        made.push('\n');
    }
    made
}
