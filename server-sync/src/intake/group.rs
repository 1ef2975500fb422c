//! Durable writes of deliveries, several to a commit.

use crate::intake::receive::MAX_DELIVERY_BYTES;
use crate::store::{StoreError, Tenant};
use bytes::Bytes;
use fieldfare_model::TimestampMs;
use rusqlite::{Transaction, params};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

const MAX_WAITING_BYTES: usize = 64 << 20;

/// Deliveries are one record's JSON over and over: a fast level makes a tenth of them, which
/// saves far more in encrypting and syncing than it costs.
const LEVEL: i32 = 1;

/// The form in which a delivery's body is kept.
///
/// # Errors
/// [`GroupError::Store`] if the compressor fails.
pub fn pack(body: &[u8]) -> Result<Vec<u8>, GroupError> {
    zstd::bulk::compress(body, LEVEL).map_err(|_| GroupError::Store)
}

/// Reads [`pack`]'s form; none if it is damaged or longer than a delivery may be.
pub fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    zstd::bulk::decompress(packed, MAX_DELIVERY_BYTES).ok()
}

/// Why a delivery was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// More is waiting than memory should hold; the CRM will deliver again.
    #[error("too many deliveries are waiting")]
    Full,
    /// Storage failed; nothing was kept.
    #[error("storage failed")]
    Store,
}

/// Collects the deliveries that arrive while a commit is under way and writes them with the next:
/// one sync of the disk for all of them, without any waiting when there is only one.
#[derive(Default)]
pub struct GroupWriter {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Delivery>,
    bytes: usize,
    writing: bool,
}

struct Delivery {
    connection: String,
    packed: Vec<u8>,
    at: TimestampMs,
    done: oneshot::Sender<Result<(), GroupError>>,
}

impl GroupWriter {
    /// Returns when the delivery would survive a power cut.
    ///
    /// # Errors
    /// [`GroupError`]; the delivery was not kept then.
    pub async fn keep(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        connection: &str,
        body: Bytes,
        at: TimestampMs,
    ) -> Result<(), GroupError> {
        let (done, kept) = oneshot::channel();
        let packed = pack(&body)?;
        let delivery = Delivery {
            connection: connection.to_owned(),
            packed,
            at,
            done,
        };
        if self.enqueue(delivery)? {
            // A task of its own: the caller may be dropped, those who wait for it may not.
            tokio::spawn(self.clone().write_all(tenant.clone()));
        }
        kept.await.map_err(|_| GroupError::Store)?
    }

    /// Whether deliveries wait for the writer. Work that can wait lets them go first.
    pub fn is_busy(&self) -> bool {
        self.lock().writing
    }

    /// Whether the caller has to start the writing.
    fn enqueue(&self, delivery: Delivery) -> Result<bool, GroupError> {
        let mut queue = self.lock();
        if queue.bytes + delivery.packed.len() > MAX_WAITING_BYTES {
            return Err(GroupError::Full);
        }
        queue.bytes += delivery.packed.len();
        queue.waiting.push(delivery);
        Ok(!std::mem::replace(&mut queue.writing, true))
    }

    async fn write_all(self: Arc<Self>, tenant: Arc<Tenant>) {
        while let Some(group) = self.take() {
            metrics::histogram!("fieldfare_intake_group_size").record(group.len() as f64);
            let (rows, waiting) = parts(group);
            let written = tenant.write_async(move |tx| insert(tx, &rows)).await;
            if let Err(error) = &written {
                tracing::error!(%error, "deliveries could not be kept");
            }
            let verdict = written.map_err(|_| GroupError::Store);
            for done in waiting {
                // The caller may have gone; the delivery is kept all the same.
                let _ = done.send(verdict);
            }
        }
    }

    fn take(&self) -> Option<Vec<Delivery>> {
        let mut queue = self.lock();
        let group = std::mem::take(&mut queue.waiting);
        queue.bytes = 0;
        queue.writing = !group.is_empty();
        queue.writing.then_some(group)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Rows = Vec<(String, Vec<u8>, TimestampMs)>;

fn parts(group: Vec<Delivery>) -> (Rows, Vec<oneshot::Sender<Result<(), GroupError>>>) {
    group
        .into_iter()
        .map(|d| ((d.connection, d.packed, d.at), d.done))
        .unzip()
}

fn insert(tx: &Transaction<'_>, rows: &Rows) -> Result<(), StoreError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO crm_delivery (connection, received_at, body) VALUES (?1, ?2, ?3)",
    )?;
    for (connection, packed, at) in rows {
        statement.execute(params![connection, at.0, packed])?;
    }
    Ok(())
}
