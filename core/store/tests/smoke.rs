#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]
use fieldfare_model::*;
use fieldfare_store::*;
use fieldfare_sync::*;
use std::sync::Arc;

fn lead(i: u8, v: u64) -> FeedChange {
    let mut l = Lead::new(LeadId::from_bytes([i; 16]), format!("Café Brandt {i}"));
    l.geocode.position = Some(LatLng::new(42.0, -71.0).unwrap());
    l.address.street = Some("12 Main Street".into());
    l.score = Some(50);
    l.extra.set(900, "future");
    FeedChange::Put {
        entity: Entity::LEAD,
        row: Row {
            id: l.id.row(),
            version: v,
            columns: l.to_columns(),
        },
    }
}

#[test]
fn smoke() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(MemoryKeyVault::new());
    let (store, report) = Store::open(dir.path(), vault.clone(), StoreOptions::default()).unwrap();
    assert_eq!(report.cache, FileReport::Created);
    let mut s = &store;
    s.enter_epoch(Epoch(7)).unwrap();
    let scope = ScopeId::try_from("terr:a".to_string()).unwrap();
    let changes = vec![lead(1, 5), lead(2, 6)];
    let frames = encode_frames(&scope, 0, 10, &changes, &|b| {
        zstd::encode_all(b, 3).unwrap()
    })
    .unwrap();
    for f in &frames {
        s.stage(&Frame::decode(f).unwrap(), f).unwrap();
    }
    assert_eq!(store.count(Entity::LEAD).unwrap(), 0);
    assert!(store.positions().unwrap().is_empty());
    let grants = [ScopeGrant {
        scope,
        priority: Priority::BULK,
    }];
    let changed = s
        .publish(
            &grants,
            &Checkpoint {
                head: 10,
                priority: Priority::BULK,
                complete: true,
            },
        )
        .unwrap();
    assert_eq!(changed.len(), 2);
    assert_eq!(store.positions().unwrap().len(), 2);
    let id = LeadId::from_bytes([1; 16]);
    assert_eq!(
        store
            .lead(id)
            .unwrap()
            .unwrap()
            .row
            .columns
            .get(900)
            .as_text(),
        Some("future")
    );
    assert_eq!(store.search_leads("cafe bra", 10).unwrap().len(), 2);
    let op = NewOperation {
        id: OperationId::from_bytes([9; 16]),
        entity: Entity::LEAD,
        row: id.row(),
        base_version: 5,
        depends_on: None,
        at: TimestampMs(1),
        change: Change::Edit(vec![FieldEdit {
            tag: schema::lead::NAME,
            base: Value::Null,
            new: "Zorro".into(),
        }]),
    };
    assert_eq!(store.record(&[op]).unwrap(), vec![(Entity::LEAD, id.row())]);
    let row = store.lead(id).unwrap().unwrap();
    assert!(row.is_pending);
    let page = store
        .page_leads(&LeadFilter::default(), LeadOrder::Name, None, 1)
        .unwrap();
    let page2 = store
        .page_leads(
            &LeadFilter::default(),
            LeadOrder::Name,
            page.next.as_ref(),
            1,
        )
        .unwrap();
    assert_eq!(
        page2.rows[0].row.columns.get(schema::lead::NAME).as_text(),
        Some("Zorro")
    );
    let page = store
        .page_leads(
            &LeadFilter {
                text: Some("zor".into()),
                ..Default::default()
            },
            LeadOrder::Changed,
            None,
            5,
        )
        .unwrap();
    assert_eq!(page.rows.len(), 1);
    let batch = s.next_batch(10, 10000).unwrap();
    assert_eq!(batch[0].n, 1);
    s.save_results(
        &[OperationResult {
            id: batch[0].id,
            n: 1,
            outcome: Outcome::Rejected {
                code: RejectCode::Rule,
                reason: "x".into(),
            },
        }],
        TimestampMs(2),
    )
    .unwrap();
    assert!(!store.lead(id).unwrap().unwrap().is_pending);
    store.rotate_key().unwrap();
    store.suspend().unwrap();
    assert!(matches!(store.lead(id), Err(StoreError::Suspended)));
    store.resume().unwrap();
    assert_eq!(store.search_leads("cafe", 10).unwrap().len(), 2);
    store.close().unwrap();
    drop(store);
    let (store, report) = Store::open(dir.path(), vault, StoreOptions::default()).unwrap();
    assert_eq!(report.outbox, FileReport::Opened);
    assert_eq!(store.count(Entity::LEAD).unwrap(), 2);
    store.wipe().unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
