//! Fleet files.

use nightshift_core::alarms::alarm_definitions;
use nightshift_core::fleet::Fleets;

use super::text;
use crate::samples;

/// What a mistake and its help may have; a text that is quoted in them is shortened by the reader.
const LONGEST_WORDS: usize = 4_000;

/// Reads a file; what is good is looked at as the functions do, what is not has a place and a way out.
pub(super) fn fleet(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Fleets::from_files(vec![("fleet.yaml".to_owned(), text.to_owned())]) {
        Ok(fleets) => {
            assert_eq!(fleets.len(), 1);
            fleets.iter().for_each(of_good);
        }
        Err(errors) => {
            assert!(!errors.errors().is_empty(), "refused without a reason");
            let lines = text.split(['\n', '\r']).count();
            for error in errors.errors() {
                assert!(!error.problem.is_empty() && !error.help.is_empty());
                assert!(error.line >= 1 && error.column >= 1 && error.line <= lines + 1, "line {} of {lines}", error.line);
                assert!(error.problem.len() <= LONGEST_WORDS, "{} bytes of problem", error.problem.len());
            }
            assert!(!errors.to_string().is_empty());
        }
    }
}

fn of_good(fleet: &nightshift_core::fleet::Fleet) {
    let now = samples::now();
    for service in fleet.services.values() {
        let held = service.bounds_at(now);
        assert!(held.bounds.min() <= held.bounds.max());
        if let Some(next) = service.next_calendar_change(now) {
            assert!(next > now);
        }
        if let Some(frozen) = service.frozen_at(now) {
            assert!(frozen.until > now);
        }
    }
    for path in fleet.paths.values() {
        path.frozen_at(now);
    }
    for region in &fleet.regions {
        alarm_definitions(fleet, region, "arn:aws:sns:us-east-1:111122223333:alarms");
    }
    for (name, secret) in &fleet.secrets {
        let (found, _) = fleet.secret_by(name.as_str()).expect("a secret is found by its name");
        assert_eq!(found, name);
        if let Some(schedule) = &secret.rotate {
            assert!(!schedule.expression().is_empty());
        }
    }
}

/// The checkout's fleet files, and pieces of YAML that readers stumble over.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = samples::fleet_texts().into_iter().map(String::into_bytes).collect();
    let pieces = [
        "version: 1\nsystem: a\nregions: [us-east-1]\nservices: {}\n",
        "a: &a [*a, *a]\n",
        "a: &a {b: 1}\nc: {<<: *a}\n",
        "--- 1\n--- 2\n",
        "? [a, b]\n: c\n",
        "a: |+\n  x\n\n",
        "%YAML 1.2\n---\na: !!int 3\n",
        "version: 1\r\nsystem: \"\\u00e9\"\r\n",
    ];
    seeds.extend(pieces.iter().map(|piece| piece.as_bytes().to_vec()));
    seeds
}
