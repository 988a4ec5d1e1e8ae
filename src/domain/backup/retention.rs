//! Which backups are kept.

use super::name::BackupName;

/// Those that go: all but the newest `keep` of each kind, which are those that were made by themselves, those that somebody asked for, and
/// of both those that are not sound. So however many somebody asks for, those of other days stay; and one that is not sound takes the
/// place of none that is. What `stays` names stays besides. `all` is in order, the newest first.
pub fn superseded(all: &[BackupName], keep: usize, stays: &[String]) -> Vec<BackupName> {
    let is_superseded = |(at, name): &(usize, &BackupName)| {
        let same =
            |other: &&BackupName| (other.origin, other.is_sound) == (name.origin, name.is_sound);
        all[..*at].iter().filter(same).count() >= keep.max(1) && !stays.contains(&name.to_string())
    };
    let superseded = all.iter().enumerate().filter(is_superseded);
    superseded.map(|(_, name)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::superseded;
    use crate::domain::backup::name::BackupName;

    /// Backups of consecutive days, the newest first, as the ends of their names.
    fn days(ends: &[&str]) -> Vec<BackupName> {
        let named = ends.iter().enumerate().map(|(at, end)| {
            let day = 28 - at;
            format!("tollkeeper-2026-06-{day:02}T12-00-00Z{end}.tar.zst").parse()
        });
        named.map(Result::unwrap).collect()
    }

    #[test]
    fn the_newest_of_each_kind_stay() {
        let all = days(&[
            "",
            "",
            "",
            "-unsound",
            "-scheduled-unsound",
            "-scheduled",
            "-scheduled",
            "-scheduled",
            "-unsound",
        ]);
        assert_eq!(superseded(&all, 2, &[]), [all[2], all[7]]);
        assert_eq!(
            superseded(&all, 1, &[]),
            [all[1], all[2], all[6], all[7], all[8]]
        );
        assert_eq!(superseded(&all, 3, &[]), []);
    }

    #[test]
    fn the_last_good_one_stays_whatever_comes_after_it() {
        let mut ends = vec!["-scheduled-unsound"; 20];
        ends.push("-scheduled");
        let all = days(&ends);
        assert!(!superseded(&all, 1, &[]).contains(&all[20]));
    }

    #[test]
    fn the_last_that_was_restored_for_a_try_stays() {
        let all = days(&["-scheduled"; 9]);
        let proven = all[8].to_string();
        let gone = superseded(&all, 2, std::slice::from_ref(&proven));
        assert_eq!(gone, all[2..8]);
    }
}
