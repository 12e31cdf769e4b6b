//! How the members of a group compare.

use crate::Measurement;

/// A measurement beside its group's baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio<'a> {
    /// The measurement.
    pub measurement: &'a Measurement,
    /// Its median over the baseline's.
    pub ratio: f64,
}

/// Each measurement over the member of its group that says `bare` or `frost` in its name (the same work done by the library alone),
/// or over the fastest member where none does. In the order of `measurements`.
pub fn ratios(measurements: &[Measurement]) -> Vec<Ratio<'_>> {
    measurements
        .iter()
        .map(|measurement| Ratio {
            measurement,
            ratio: measurement.median_ns / baseline(measurements, &measurement.group),
        })
        .collect()
}

fn baseline(measurements: &[Measurement], group: &str) -> f64 {
    let members = || measurements.iter().filter(|member| member.group == group);
    let named =
        members().find(|member| member.member.contains("bare") || member.member.contains("frost"));
    match named {
        Some(named) => named.median_ns,
        None => members()
            .map(|member| member.median_ns)
            .fold(f64::INFINITY, f64::min),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(group: &str, member: &str, median_ns: f64) -> Measurement {
        Measurement {
            group: group.to_owned(),
            member: member.to_owned(),
            median_ns,
            interval_ns: [median_ns, median_ns],
        }
    }

    fn ratios_of(measurements: &[Measurement]) -> Vec<f64> {
        ratios(measurements)
            .iter()
            .map(|ratio| ratio.ratio)
            .collect()
    }

    #[test]
    fn the_bare_member_is_the_baseline_even_where_another_is_faster() {
        let group = [
            measured("sign", "enclave", 50.0),
            measured("sign", "frost", 100.0),
        ];
        assert_eq!(ratios_of(&group), [0.5, 1.0]);
    }

    #[test]
    fn the_fastest_member_is_the_baseline_where_none_is_bare() {
        let group = [
            measured("record", "rotate", 300.0),
            measured("record", "decode", 100.0),
        ];
        assert_eq!(ratios_of(&group), [3.0, 1.0]);
    }

    #[test]
    fn a_group_is_not_compared_with_another() {
        let groups = [
            measured("sign 2-of-3", "frost", 100.0),
            measured("sign 3-of-5", "enclave", 300.0),
            measured("sign 3-of-5", "frost", 200.0),
        ];
        assert_eq!(ratios_of(&groups), [1.0, 1.5, 1.0]);
    }
}
