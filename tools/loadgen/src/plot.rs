//! Latency against rate, as an SVG that is readable on light and on dark pages.

use core::fmt::Write as _;

use crate::measure::Report;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 56.0;

const STYLE: &str = "\
svg { font: 13px sans-serif } .page { fill: #ffffff }
text { fill: #1f2328 } .title { font-size: 16px }
.grid { stroke: #d8dee4; stroke-width: 1 } .axis { stroke: #59636e; stroke-width: 1.2 }
.line { fill: none; stroke-width: 2.2 } .late { fill: #ffffff; stroke-width: 2 }
.s0 { stroke: #0969da } .s1 { stroke: #bc4c00 } .s2 { stroke: #8250df }
.f0 { fill: #0969da } .f1 { fill: #bc4c00 } .f2 { fill: #8250df }
@media (prefers-color-scheme: dark) {
  .page { fill: #0d1117 }
  text { fill: #e6edf3 } .grid { stroke: #30363d } .axis { stroke: #9198a1 }
  .late { fill: #0d1117 }
  .s0 { stroke: #4493f8 } .s1 { stroke: #f0883e } .s2 { stroke: #ab7df8 }
  .f0 { fill: #4493f8 } .f1 { fill: #f0883e } .f2 { fill: #ab7df8 }
}";

/// One point of a curve.
#[derive(Debug, Clone, Copy)]
struct Point {
    rate: f64,
    ms: f64,
    /// The node did not keep up, or not everything was answered well.
    late: bool,
}

/// The plot of some runs at different rates; `None` when there is nothing to show.
pub(crate) fn latency(case: &str, runs: &[Report]) -> Option<String> {
    let curve = |ms: fn(&Report) -> f64| -> Vec<Point> {
        let mut points: Vec<_> = runs
            .iter()
            .filter(|run| run.requests > 0)
            .filter_map(|run| {
                Some(Point {
                    rate: run.rate?,
                    ms: ms(run).max(0.001),
                    late: run.errors > 0 || run.unsent > 0,
                })
            })
            .collect();
        points.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        points
    };
    let curves = [
        ("p50", curve(|run| run.p50_ms)),
        ("p99", curve(|run| run.p99_ms)),
        ("p99.9", curve(|run| run.p999_ms)),
    ];
    let points = || curves.iter().flat_map(|(_, points)| points);
    let most = points().map(|point| point.rate).reduce(f64::max)?;
    let slowest = points().map(|point| point.ms).reduce(f64::max)?;
    let fastest = points().map(|point| point.ms).reduce(f64::min)?;
    let scale = Scale {
        most: most * 1.05,
        low: fastest.log10().floor(),
        high: slowest.log10().ceil().max(fastest.log10().floor() + 1.0),
    };

    let mut svg = String::new();
    write_plot(&mut svg, case, runs, &scale, &curves).ok()?;
    Some(svg)
}

/// Where values lie in the picture.
struct Scale {
    /// Rate at the right edge.
    most: f64,
    /// Powers of ten at the bottom and at the top.
    low: f64,
    high: f64,
}

impl Scale {
    fn x(&self, rate: f64) -> f64 {
        LEFT + rate / self.most * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, ms: f64) -> f64 {
        let part = (ms.log10() - self.low) / (self.high - self.low);
        HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)
    }
}

fn write_plot(
    svg: &mut String,
    case: &str,
    runs: &[Report],
    scale: &Scale,
    curves: &[(&str, Vec<Point>)],
) -> core::fmt::Result {
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">"#
    )?;
    writeln!(svg, "<title>{case}: latency against rate</title>")?;
    writeln!(svg, "<style>{STYLE}</style>")?;
    writeln!(
        svg,
        r#"<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>"#
    )?;
    let about = runs.first().map_or(String::new(), |run| {
        let nodes = if run.nodes == 1 { "node" } else { "nodes" };
        format!(
            "{case}, {} {nodes}, {} connections",
            run.nodes, run.connections
        )
    });
    writeln!(
        svg,
        r#"<text class="title" x="{LEFT}" y="22">{about}</text>"#
    )?;
    write_axes(svg, scale)?;
    for (number, (name, points)) in curves.iter().enumerate() {
        let places: Vec<_> = points
            .iter()
            .map(|point| format!("{:.1},{:.1}", scale.x(point.rate), scale.y(point.ms)))
            .collect();
        let line = places.join(" ");
        writeln!(svg, r#"<polyline class="line s{number}" points="{line}"/>"#)?;
        for point in points {
            let (x, y) = (scale.x(point.rate), scale.y(point.ms));
            let class = if point.late {
                format!("late s{number}")
            } else {
                format!("f{number}")
            };
            writeln!(
                svg,
                r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="4"><title>{name} at {:.0}/s: {:.2} ms</title></circle>"#,
                point.rate, point.ms
            )?;
        }
        let x = LEFT + 70.0 * number as f64;
        writeln!(
            svg,
            r#"<line class="line s{number}" x1="{x}" x2="{}" y1="40" y2="40"/><text x="{}" y="44">{name}</text>"#,
            x + 18.0,
            x + 24.0
        )?;
    }
    if curves
        .iter()
        .any(|(_, points)| points.iter().any(|p| p.late))
    {
        let x = LEFT + 240.0;
        writeln!(
            svg,
            r#"<circle class="late s0" cx="{x}" cy="40" r="4"/><text x="{}" y="44">not everything was answered</text>"#,
            x + 10.0
        )?;
    }
    writeln!(svg, "</svg>")
}

fn write_axes(svg: &mut String, scale: &Scale) -> core::fmt::Result {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let mut power = scale.low;
    while power <= scale.high {
        let decade = 10f64.powf(power);
        for digit in [1.0, 2.0, 5.0] {
            let ms = decade * digit;
            if ms.log10() > scale.high + 1e-9 {
                break;
            }
            let y = scale.y(ms);
            writeln!(
                svg,
                r#"<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1}" y2="{y:.1}"/><text x="{}" y="{:.1}" text-anchor="end">{ms}</text>"#,
                LEFT - 8.0,
                y + 4.0
            )?;
        }
        power += 1.0;
    }
    let step = nice_step(scale.most / 6.0);
    let mut rate = 0.0;
    while rate <= scale.most {
        let x = scale.x(rate);
        writeln!(
            svg,
            r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{bottom}"/><text x="{x:.1}" y="{}" text-anchor="middle">{rate:.0}</text>"#,
            bottom + 20.0
        )?;
        rate += step;
    }
    writeln!(
        svg,
        r#"<path class="axis" fill="none" d="M{LEFT} {TOP}V{bottom}H{right}"/>"#
    )?;
    writeln!(
        svg,
        r#"<text x="{}" y="{}" text-anchor="middle">requests per second offered</text>"#,
        (LEFT + right) / 2.0,
        HEIGHT - 12.0
    )?;
    let middle = (TOP + bottom) / 2.0;
    writeln!(
        svg,
        r#"<text x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">latency in ms</text>"#
    )
}

/// The next larger of 1, 2 and 5 times a power of ten, at least 1.
fn nice_step(rough: f64) -> f64 {
    let rough = rough.max(1.0);
    let decade = 10f64.powf(rough.log10().floor());
    let nice = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * decade);
    let fits = nice.into_iter().find(|step| *step >= rough - 1e-9);
    fits.unwrap_or(rough)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Times;
    use crate::transport::Transport;

    fn report(rate: f64, p50_ms: f64, unsent: u64) -> Report {
        Report {
            case: "store",
            transport: Transport::Https,
            nodes: 1,
            connections: 32,
            message_bytes: 1024,
            rate: Some(rate),
            seconds: 1.0,
            requests: 100,
            errors: 0,
            errors_by_kind: std::collections::BTreeMap::new(),
            first_loss: None,
            unsent,
            repeated: 0,
            requests_per_second: rate,
            p50_ms,
            p99_ms: p50_ms * 4.0,
            p999_ms: p50_ms * 10.0,
            max_ms: p50_ms * 20.0,
            refused: Times::default().summary(),
            node_cpu_seconds: None,
            node_cpu_ms_per_request: None,
            node_rss_mib: None,
            own_cpu_seconds: None,
        }
    }

    fn numbers(line: &str, name: &str) -> Vec<f64> {
        let (_, rest) = line.split_once(&format!("{name}=\"")).unwrap();
        let (text, _) = rest.split_once('"').unwrap();
        text.split([' ', ',']).map(|n| n.parse().unwrap()).collect()
    }

    #[test]
    fn curves_rise_to_the_right_within_the_picture() {
        let runs = [
            report(2000.0, 3.0, 0),
            report(500.0, 0.4, 0),
            report(4000.0, 80.0, 17),
        ];
        let svg = latency("store", &runs).unwrap();
        let lines: Vec<_> = svg.lines().filter(|l| l.contains("<polyline")).collect();
        assert_eq!(lines.len(), 3);
        for line in lines {
            let places = numbers(line, "points");
            let [x1, y1, x2, y2, x3, y3] = places.try_into().unwrap();
            assert!(LEFT < x1 && x1 < x2 && x2 < x3 && x3 < WIDTH - RIGHT);
            assert!(HEIGHT - BOTTOM >= y1 && y1 > y2 && y2 > y3 && y3 >= TOP);
        }
        // 0.4 to 800 ms: from a tenth of a millisecond to a second.
        for label in [
            ">0.1<",
            ">1<",
            ">100<",
            ">1000<",
            "latency in ms",
            "per second",
        ] {
            assert!(svg.contains(label), "{label}");
        }
        // The run that did not keep up is hollow on each curve; one more is in the legend.
        assert_eq!(svg.matches(r#"<circle class="late"#).count(), 4);
        assert_eq!(svg.matches("<circle").count(), 10);
        assert!(svg.contains("prefers-color-scheme: dark"));
        let open = svg.matches('<').count();
        assert_eq!(open, svg.matches('>').count());
    }

    #[test]
    fn nothing_measured_is_nothing_plotted() {
        assert!(latency("store", &[]).is_none());
        let empty = Report {
            requests: 0,
            ..report(1.0, 1.0, 0)
        };
        assert!(latency("store", &[empty]).is_none());
    }

    #[test]
    fn steps_are_round() {
        for (rough, step) in [
            (0.2, 1.0),
            (1.0, 1.0),
            (3.0, 5.0),
            (17.0, 20.0),
            (999.0, 1000.0),
        ] {
            assert!((nice_step(rough) - step).abs() < 1e-6, "{rough}");
        }
    }
}
