//! Whether the machine runs on a battery of its own, from `/sys/class/power_supply`. Batteries of mice and keyboards are none of those.

use std::fs;
use std::path::Path;

/// Why the battery forbids work, in words; `least` is the charge in percent from which on it does not.
pub(super) fn draining(root: &Path, least: Option<u8>) -> Option<String> {
    let supplies: Vec<_> =
        fs::read_dir(root.join("sys/class/power_supply")).ok()?.flatten().map(|it| it.path()).collect();
    let says = |supply: &Path, what: &str| {
        fs::read_to_string(supply.join(what)).map(|text| text.trim().to_owned()).unwrap_or_default()
    };
    let is_plugged = supplies.iter().any(|it| says(it, "type") != "Battery" && says(it, "online") == "1");
    let own = |it: &&std::path::PathBuf| says(it, "type") == "Battery" && says(it, "scope") != "Device";
    let draining: Vec<_> = supplies.iter().filter(own).filter(|it| says(it, "status") == "Discharging").collect();
    if is_plugged || draining.is_empty() {
        return None;
    }
    let charge = draining.iter().filter_map(|it| says(it, "capacity").parse::<u8>().ok()).min();
    match (charge, least) {
        (Some(charge), Some(least)) if charge >= least => None,
        (Some(charge), _) => Some(format!("it runs on its battery, which is at {charge} %")),
        (None, _) => Some("it runs on its battery".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with these supplies: each a name and its files.
    fn machine(supplies: &[(&str, &[(&str, &str)])]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, files) in supplies {
            let dir = root.path().join("sys/class/power_supply").join(name);
            fs::create_dir_all(&dir).unwrap();
            for (file, text) in *files {
                fs::write(dir.join(file), format!("{text}\n")).unwrap();
            }
        }
        root
    }

    #[test]
    fn only_a_battery_that_runs_down_forbids_work() {
        let battery = |status| [("type", "Battery"), ("status", status), ("capacity", "61")];
        let mains = |online| [("type", "Mains"), ("online", online)];
        let said = |supplies: &[(&str, &[(&str, &str)])], least| draining(machine(supplies).path(), least);
        let unplugged = said(&[("BAT0", &battery("Discharging")), ("AC", &mains("0"))], None);
        assert_eq!(unplugged.as_deref(), Some("it runs on its battery, which is at 61 %"));
        assert_eq!(said(&[("BAT0", &battery("Discharging"))], Some(61)), None);
        assert!(said(&[("BAT0", &battery("Discharging"))], Some(62)).is_some());
        assert_eq!(said(&[("BAT0", &battery("Charging")), ("AC", &mains("1"))], None), None);
        assert_eq!(said(&[("BAT0", &battery("Not charging"))], None), None);
        // One that is charged slower than it is used, and one of a mouse.
        assert_eq!(said(&[("BAT0", &battery("Discharging")), ("AC", &mains("1"))], None), None);
        let mouse = [("type", "Battery"), ("scope", "Device"), ("status", "Discharging")];
        assert_eq!(said(&[("hidpp_battery_0", &mouse)], None), None);
        assert_eq!(said(&[], None), None);
    }
}
