//! Whether something grows: a straight line through samples.

use serde::Serialize;

/// A quantity over time, and how much of growth is allowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    /// What may always be added, in the unit of the quantity.
    pub(super) absolute: f64,
    /// And this part of the mean.
    pub(super) relative: f64,
}

/// The line of best fit through some samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Trend {
    pub(super) mean: f64,
    pub(super) highest: f64,
    /// By how much the line rises from the first sample to the last.
    pub(super) growth: f64,
    pub(super) growth_per_hour: f64,
    /// How much it may rise.
    pub(super) allowed: f64,
}

impl Trend {
    /// Fits `samples` of seconds and values; `None` for fewer than three, or all at one time.
    pub(super) fn fit(samples: &[(f64, f64)], bound: Bound) -> Option<Self> {
        if samples.len() < 3 {
            return None;
        }
        let count = samples.len() as f64;
        let mean_time = samples.iter().map(|(time, _)| time).sum::<f64>() / count;
        let mean = samples.iter().map(|(_, value)| value).sum::<f64>() / count;
        let (mut spread, mut slope) = (0.0, 0.0);
        for (time, value) in samples {
            spread += (time - mean_time).powi(2);
            slope += (time - mean_time) * (value - mean);
        }
        if spread <= 0.0 {
            return None;
        }
        slope /= spread;
        let times = || samples.iter().map(|(time, _)| *time);
        let length = times().reduce(f64::max)? - times().reduce(f64::min)?;
        Some(Self {
            mean,
            highest: samples.iter().map(|(_, value)| *value).reduce(f64::max)?,
            growth: slope * length,
            growth_per_hour: slope * 3600.0,
            allowed: bound.absolute + bound.relative * mean,
        })
    }

    pub(super) fn is_level(&self) -> bool {
        self.growth <= self.allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Bound = Bound {
        absolute: 4.0,
        relative: 0.05,
    };

    fn trend(value: impl Fn(f64) -> f64) -> Trend {
        let samples: Vec<_> = (0..=360)
            .map(|step| f64::from(step) * 10.0)
            .map(|time| (time, value(time)))
            .collect();
        Trend::fit(&samples, BOUND).unwrap()
    }

    #[test]
    fn a_leak_is_seen_through_the_noise() {
        let noise = |time: f64| (time * 0.7).sin() * 3.0;
        let leaking = trend(|time| 40.0 + time / 3600.0 * 10.0 + noise(time));
        assert!((leaking.growth - 10.0).abs() < 0.5, "{leaking:?}");
        assert!((leaking.growth_per_hour - 10.0).abs() < 0.5, "{leaking:?}");
        assert!(!leaking.is_level());
        let steady = trend(|time| 40.0 + noise(time));
        assert!(steady.is_level(), "{steady:?}");
        assert!(steady.highest > 42.0 && (steady.mean - 40.0).abs() < 0.5);
        assert!(trend(|time| 60.0 - time / 100.0).is_level());
    }

    #[test]
    fn too_little_is_no_trend() {
        assert!(Trend::fit(&[(0.0, 1.0), (1.0, 2.0)], BOUND).is_none());
        assert!(Trend::fit(&[(5.0, 1.0); 9], BOUND).is_none());
    }
}
