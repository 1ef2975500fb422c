//! One portal: its records, its gate and its webhooks.

mod associations;
mod gate;
mod merge;
mod record;
mod search;
mod state;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use gate::CallFault;
pub(crate) use gate::{Gate, Quota};
pub use record::Record;
pub(crate) use record::Shown;
pub(crate) use search::{LONGEST_BODY, SearchRequest};
pub(crate) use state::State;

use crate::author::Author;
use crate::config::PortalConfig;
use crate::webhook::{self, Audience, Delivery, Subscription};

/// A portal. Its state is behind one lock, so that events are queued in the order of the changes.
pub(crate) struct Portal {
    pub(crate) config: PortalConfig,
    pub(crate) delivery: Delivery,
    gate: Mutex<Gate>,
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    subscriptions: Vec<Subscription>,
    last_event_id: u64,
}

impl Portal {
    pub(crate) fn start(
        config: PortalConfig,
        client: reqwest::Client,
        runtime: &tokio::runtime::Handle,
    ) -> Self {
        let delivery = Delivery::start(
            config.delivery.clone(),
            client,
            config.webhook.clone(),
            config.client_secret.clone(),
            runtime,
        );
        let inner = Inner {
            state: State::new(&config),
            subscriptions: config.subscriptions.clone(),
            last_event_id: 0,
        };
        let gate = Mutex::new(Gate::new(config.limits.clone()));
        Self {
            delivery,
            gate,
            inner: Mutex::new(inner),
            config,
        }
    }

    /// The author of changes made through the API.
    pub(crate) fn app(&self) -> Author {
        Author::App(self.config.app_id)
    }

    /// The author of changes made at the CRM's own screens.
    pub(crate) fn user(&self) -> Author {
        Author::User(self.config.user_id)
    }

    pub(crate) fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_subscriptions(&self, subscriptions: Vec<Subscription>) {
        self.lock().subscriptions = subscriptions;
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.lock().state)
    }

    /// Changes the state and queues the events of what changed.
    pub(crate) fn write<T>(&self, write: impl FnOnce(&mut State) -> T) -> T {
        let mut guard = self.lock();
        let inner = &mut *guard;
        let result = write(&mut inner.state);
        let audience = Audience {
            portal_id: self.config.portal_id,
            app_id: self.config.app_id,
            subscriptions: &inner.subscriptions,
        };
        let mut events = Vec::new();
        for change in inner.state.take_changes() {
            events.extend(webhook::events_for(
                &change,
                &audience,
                &mut inner.last_event_id,
            ));
        }
        self.delivery.enqueue(events);
        result
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
