//! What can happen, and in which mixture.

use crate::random::Random;

/// Phones 0 and 1 are one rep's, 2 and 4 another's, 3 a third's.
pub const PHONES: u8 = 5;
/// Reps.
pub const REPS: u8 = 3;
/// Territories.
pub const TERRITORIES: u8 = 3;
/// Leads the CRM knows.
pub const LEADS: u8 = 24;

/// Pairs of leads that the CRM changes together: 0 and 1, 2 and 3, and so on.
pub const PAIRS: u8 = 4;

/// What becomes of a request and its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Both arrive.
    None,
    /// The request is lost.
    LoseRequest,
    /// It is applied, and the reply is lost.
    LoseReply,
    /// The request arrives twice, and the second reply is the one that comes through.
    Twice,
    /// The request arrives, and again much later.
    Late,
    /// The reply is cut at this many 256ths of its length.
    Cut(u8),
    /// A bit of the reply is flipped.
    Flip(u16),
    /// The access token has expired.
    TokenExpired,
    /// Too many requests; wait this many seconds.
    Busy(u8),
    /// The server answers 503.
    Unavailable,
}

/// What the next writes of a disk meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFault {
    /// The process is killed before the write is durable.
    KilledBefore,
    /// The process is killed right after.
    KilledAfter,
    /// No space.
    Full,
    /// The power is cut before the write, and of the writes before it the last ones are lost or
    /// torn, as far as they were not synced.
    PowerCut { lost: u8 },
}

/// How an app's schema stands to the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Older than what the server serves.
    TooOld,
    /// The same.
    Same,
    /// Newer.
    Newer,
}

/// One thing that happens. Numbers may name what is not there; then nothing does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A rep changes a lead's name or phone number.
    Edit { phone: u8, lead: u8, second: bool },
    /// A rep adds a lead.
    AddLead { phone: u8 },
    /// A rep visits a lead.
    Visit { phone: u8, lead: u8 },
    /// A rep visits a lead and changes it, as one unit.
    Unit { phone: u8, lead: u8 },
    /// A rep marks a lead as not to be contacted.
    Forbid { phone: u8, lead: u8 },
    /// A rep sets a lead's status to open.
    Reopen { phone: u8, lead: u8 },
    /// The CRM changes a lead, or makes it.
    Crm { lead: u8, second: bool },
    /// The CRM changes two leads together.
    CrmPair { pair: u8 },
    /// The CRM marks a lead as not to be contacted.
    CrmForbid { lead: u8 },
    /// The CRM writes a column no app knows.
    CrmUnknown { lead: u8 },
    /// A lead moves to a territory, or to none.
    Move { lead: u8, to: u8 },
    /// The CRM deletes a lead.
    Delete { lead: u8 },
    /// A rep gets a territory.
    Assign { rep: u8, territory: u8 },
    /// A rep loses a territory.
    Withdraw { rep: u8, territory: u8 },
    /// A phone begins to sync.
    Sync { phone: u8, budget: u32 },
    /// The request in flight goes to the server and back.
    Deliver { phone: u8, fault: Fault },
    /// A late copy of a request arrives.
    LateCopy { which: u8 },
    /// The app is killed and started again.
    Kill { phone: u8 },
    /// The power of a phone is cut; its last writes are lost, as far as they were not synced.
    PowerCut { phone: u8, lost: u8 },
    /// The file with what the server said is found damaged and begun anew.
    LoseCache { phone: u8 },
    /// A phone's app is so old that the server does not serve it, or as new as can be.
    AgeOfApp { phone: u8, age: Age },
    /// A later write of a phone fails.
    PhoneDisk {
        phone: u8,
        after: u8,
        fault: DiskFault,
    },
    /// The server is killed at the next write.
    ServerDisk { fault: DiskFault },
    /// The server is backed up.
    BackUpServer,
    /// The server loses its disk and comes back from the backup, as another history.
    RestoreServer,
    /// A phone is backed up.
    BackUpPhone { phone: u8 },
    /// A phone comes back from its backup.
    RestorePhone { phone: u8 },
    /// A phone's files are copied to another phone of the same rep.
    Clone { from: u8, to: u8 },
    /// An older page of the cache comes back: a stored row is one of long ago, or gone.
    Rot { phone: u8, row: u8, is_gone: bool },
    /// A phone's clock jumps, hours.
    PhoneClock { phone: u8, hours: i8 },
    /// Time passes, minutes.
    Wait { minutes: u16 },
    /// Ten days pass, a few at a time, with everything that happens by itself.
    LongWait,
    /// The server forgets old tombstones.
    Collect,
    /// A phone forgets what was acknowledged long ago.
    Purge { phone: u8 },
    /// Faults stop; everything must come to rest, and right.
    Settle,
}

/// The actions of a seed.
pub fn actions(seed: u64, steps: usize) -> Vec<Action> {
    let mut random = Random::new(seed);
    // Some days are calm, some are not.
    let trouble = random.below(4);
    let mut actions: Vec<Action> = (0..LEADS / 2)
        .map(|lead| Action::Crm {
            lead,
            second: false,
        })
        .collect();
    for rep in 0..REPS {
        let territory = rep;
        actions.push(Action::Assign { rep, territory });
    }
    while actions.len() + 1 < steps {
        actions.push(one(&mut random, trouble));
    }
    actions.push(Action::Settle);
    actions
}

fn one(random: &mut Random, trouble: u64) -> Action {
    let (phone, lead) = (random.small(PHONES), random.small(LEADS));
    match random.below(1000) {
        0..=69 => Action::Edit {
            phone,
            lead,
            second: random.one_in(2),
        },
        70..=84 => Action::AddLead { phone },
        85..=114 => Action::Visit { phone, lead },
        115..=134 => Action::Unit { phone, lead },
        135..=144 => Action::Forbid { phone, lead },
        145..=159 => Action::Reopen { phone, lead },
        160..=219 => Action::Crm {
            lead,
            second: random.one_in(2),
        },
        220..=239 => Action::CrmPair {
            pair: random.small(PAIRS),
        },
        240..=244 => Action::CrmForbid { lead },
        245..=249 => Action::CrmUnknown { lead },
        250..=279 => Action::Move {
            lead,
            to: random.small(TERRITORIES + 1),
        },
        280..=289 => Action::Delete { lead },
        290..=301 => Action::Assign {
            rep: random.small(REPS),
            territory: random.small(TERRITORIES),
        },
        302..=309 => Action::Withdraw {
            rep: random.small(REPS),
            territory: random.small(TERRITORIES),
        },
        310..=459 => Action::Sync {
            phone,
            budget: if random.one_in(3) { 4_000 } else { 1 },
        },
        460..=929 => Action::Deliver {
            phone,
            fault: fault(random, trouble),
        },
        rest => rare(random, rest, phone),
    }
}

fn fault(random: &mut Random, trouble: u64) -> Fault {
    if !random.one_in(12 >> trouble) || trouble == 0 && !random.one_in(4) {
        return Fault::None;
    }
    match random.below(10) {
        0 => Fault::LoseRequest,
        1 | 2 => Fault::LoseReply,
        3 => Fault::Twice,
        4 => Fault::Late,
        5 => Fault::Cut(random.small(255)),
        6 => Fault::Flip(random.next() as u16),
        7 => Fault::TokenExpired,
        8 => Fault::Busy(random.small(60)),
        _ => Fault::Unavailable,
    }
}

fn rare(random: &mut Random, which: u64, phone: u8) -> Action {
    let lost = random.small(8);
    let disk = match random.below(4) {
        0 => DiskFault::KilledBefore,
        1 => DiskFault::KilledAfter,
        2 => DiskFault::Full,
        _ => DiskFault::PowerCut { lost },
    };
    match which {
        930..=934 => Action::Kill { phone },
        935..=938 => Action::PowerCut { phone, lost },
        939 if random.one_in(4) => Action::LoseCache { phone },
        939 => Action::AgeOfApp {
            phone,
            age: age(random),
        },
        940..=953 => Action::PhoneDisk {
            phone,
            after: random.small(6),
            fault: disk,
        },
        954..=959 => Action::ServerDisk { fault: disk },
        960..=963 => Action::LateCopy {
            which: random.small(255),
        },
        964..=966 => Action::BackUpServer,
        967 => Action::RestoreServer,
        968..=970 => Action::BackUpPhone { phone },
        971 => Action::RestorePhone { phone },
        972 => Action::Clone {
            from: phone,
            to: random.small(PHONES),
        },
        973..=975 => Action::Rot {
            phone,
            row: random.small(255),
            is_gone: random.one_in(2),
        },
        976..=979 => Action::PhoneClock {
            phone,
            hours: random.small(100) as i8 - 50,
        },
        980..=988 => Action::Wait {
            minutes: random.below(60) as u16,
        },
        989..=990 => Action::LongWait,
        991..=993 => Action::Collect,
        994..=996 => Action::Purge { phone },
        _ => Action::Settle,
    }
}

const fn age(random: &mut Random) -> Age {
    match random.below(3) {
        0 => Age::TooOld,
        1 => Age::Same,
        _ => Age::Newer,
    }
}
