//! When credentials are renewed.

/// The time, in seconds since 1970, to renew credentials that were given at `now` and end at `expires_at`: a random one between a half and
/// three quarters of their life, so that many enclaves do not call at the same moment and that a quarter of it is left for further
/// attempts.
pub fn renew_at(now: u64, expires_at: u64) -> u64 {
    let quarter = expires_at.saturating_sub(now) / 4;
    let mut random = [0; 8];
    // Without randomness it is the earliest time, which does no harm.
    let share = match aws_lc_rs::rand::fill(&mut random) {
        Ok(()) => u64::from_be_bytes(random) % quarter.max(1),
        Err(_) => 0,
    };
    now + 2 * quarter + share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_renewed_in_the_third_quarter_of_their_life_and_not_all_at_once() {
        let times: Vec<u64> = (0..100).map(|_| renew_at(1_000, 4_600)).collect();
        assert!(
            times.iter().all(|time| (2_800..3_700).contains(time)),
            "{times:?}"
        );
        assert!(times.iter().any(|time| *time != times[0]));
    }

    #[test]
    fn what_has_expired_or_lives_for_seconds_is_renewed_at_once() {
        assert_eq!(renew_at(1_000, 900), 1_000);
        assert_eq!(renew_at(1_000, 1_003), 1_000);
    }
}
