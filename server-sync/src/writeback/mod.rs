//! Telling the CRM what happened on phones.
//!
//! What is to be told is queued in the transaction that takes in the phone's operation
//! ([`PhoneEffects`]), so it is told if and only if the operation stands. A worker sends it
//! ([`Sender`]): edits a hundred records at a time, tasks, notes and new companies one by one.
//! Edits may be sent twice without harm. What makes a record carries a mark of ours, and after a
//! lost answer the record is looked for by its mark before it is made again. The mark is a property
//! of the CRM, made where it is missing; without leave to make it records go unmarked, and a lost
//! answer may double one ([`Marks`]). What HubSpot refuses for good stays as a dead letter, and the lead is read again so that it shows what the CRM holds.

pub mod echo;
mod effects;
pub mod jobs;
mod mark;
mod send;
mod visit;

pub use effects::PhoneEffects;
pub use mark::Marks;
pub use send::Sender;
