//! Which schedules a server's pg_cron understands: the language grew from release to release.

/// The schedule language of one server's pg_cron.
///
/// pg_cron reports `1.6` for every 1.6.x, so a dialect stands for the newest patch release of its line. Three older ones
/// differ: 1.5.0 takes any schedule that starts with a number for seconds, 1.6.0 and 1.6.1 are one day off, and 1.6.0 to
/// 1.6.4 still accept steps larger than their field (`*/60`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    release: Release,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Release {
    /// 1.4 and older.
    Minutes,
    /// 1.5: `N seconds`, `cron.timezone`.
    Seconds,
    /// 1.6: `$`, other bit handling.
    LastDay,
}

impl Dialect {
    /// The dialect of a server, from `pg_extension.extversion` and from whether `cron.timezone` (1.5) and
    /// `cron.launch_active_jobs` (1.6) are visible settings.
    ///
    /// The settings belong to the loaded library and so outrank `extversion`, which stays behind until `ALTER EXTENSION …
    /// UPDATE`. Their absence proves nothing: without `pg_monitor` they are hidden. An unreadable version counts as the
    /// latest.
    #[must_use]
    pub fn of(extversion: &str, has_timezone_setting: bool, has_launch_active_jobs_setting: bool) -> Self {
        let by_catalog = match major_minor(extversion) {
            Some(version) if version < (1, 5) => Release::Minutes,
            Some((1, 5)) => Release::Seconds,
            _ => Release::LastDay,
        };
        let by_settings = match (has_timezone_setting, has_launch_active_jobs_setting) {
            (_, true) => Release::LastDay,
            (true, false) => Release::Seconds,
            (false, false) => Release::Minutes,
        };
        Self { release: by_catalog.max(by_settings) }
    }

    /// The dialect of the newest pg_cron known here, 1.6.7.
    #[must_use]
    pub fn latest() -> Self {
        Self { release: Release::LastDay }
    }

    /// Whether `N seconds` is a schedule (1.5).
    #[must_use]
    pub fn has_seconds(self) -> bool {
        self.release >= Release::Seconds
    }

    /// Whether `$` stands for the last day of the month (1.6).
    #[must_use]
    pub fn has_last_day(self) -> bool {
        self.release >= Release::LastDay
    }

    /// Whether a step may not exceed its field's highest value (1.6.5).
    pub(super) fn limits_steps(self) -> bool {
        self.release >= Release::LastDay
    }

    /// Whether a range written backwards sets some bits by accident (1.6, see `Field::reversed`).
    pub(super) fn spills_reversed_ranges(self) -> bool {
        self.release >= Release::LastDay
    }

    /// Whether `@yearly` lost its month and so never fires (1.6).
    pub(super) fn yearly_is_broken(self) -> bool {
        self.release >= Release::LastDay
    }
}

fn major_minor(extversion: &str) -> Option<(u32, u32)> {
    let mut numbers = extversion.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}
