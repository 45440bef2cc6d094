//! What is read back from the ledger, as JSON.

use nightshift_core::ledger::{BoundsOverride, HistoryEntry, LedgerView, Pause, ServiceRecord};
use nightshift_core::release::approve::PipelineQuestion;
use nightshift_core::release::front_end::FrontEndView;
use nightshift_core::release::{Answer, Book, Report};
use nightshift_core::rotation::RotationRecord;
use nightshift_core::signal::Signal;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What is read is written as something that is read the same.
fn round<T: DeserializeOwned + Serialize>(bytes: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(bytes) else { return };
    let written = serde_json::to_vec(&read).expect("what was read is written");
    let again = serde_json::from_slice::<T>(&written)
        .unwrap_or_else(|error| panic!("written as {}, which is refused: {error}", String::from_utf8_lossy(&written)));
    let twice = serde_json::to_vec(&again).expect("written");
    // One more round: serde_json reads some fractions to within one unit in the last place, and settles then.
    assert!(twice == written || serde_json::from_slice::<T>(&twice).is_ok());
}

fn record(bytes: &[u8]) {
    round::<ServiceRecord>(bytes);
    let Ok(record) = serde_json::from_slice::<ServiceRecord>(bytes) else { return };
    let now = crate::samples::now();
    record.leased(now);
    record.spent_budget(now);
    record.settled(|_| None);
    // The version is the table's own counter, which nobody brings to its end.
    if record.version < u64::MAX {
        record.next_version();
    }
}

const TYPES: [fn(&[u8]); 11] = [
    record,
    round::<LedgerView>,
    round::<Book>,
    round::<RotationRecord>,
    round::<FrontEndView>,
    round::<PipelineQuestion>,
    round::<Answer>,
    round::<Report>,
    round::<HistoryEntry>,
    round::<Signal>,
    |bytes| {
        round::<Pause>(bytes);
        round::<BoundsOverride>(bytes);
    },
];

/// The first byte selects what is read.
pub(super) fn ledger(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    TYPES[usize::from(*first) % TYPES.len()](rest);
}

/// Values as they are stored.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut texts = vec![
        serde_json::to_string(&ServiceRecord::default()),
        serde_json::to_string(&LedgerView::default()),
        serde_json::to_string(&Book::default()),
        serde_json::to_string(&RotationRecord::default()),
        serde_json::to_string(&FrontEndView::default()),
    ];
    let signals = crate::samples::events();
    let signals = signals.iter().flat_map(|(_, event)| nightshift_core::signal::parse(event).signals().cloned().collect::<Vec<_>>());
    texts.extend(signals.map(|signal| serde_json::to_string(&signal)));
    let texts: Vec<String> = texts.into_iter().map(|text| text.expect("written")).collect();
    let mut seeds: Vec<Vec<u8>> =
        texts.iter().take(5).zip([0, 1, 2, 3, 4_u8]).map(|(text, kind)| [&[kind], text.as_bytes()].concat()).collect();
    seeds.extend(super::behind(9..10, &texts[5..]));
    seeds.extend(crate::samples::files(&crate::samples::root().join("tests/fuzz/ledger"), ".json").into_iter().map(|(name, text)| {
        let kind = name.split('-').next().and_then(|kind| kind.parse::<u8>().ok()).expect("its kind's number first");
        [&[kind], text.as_slice()].concat()
    }));
    seeds
}
