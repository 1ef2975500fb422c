//! Bugs planted on purpose.

/// The seeded bugs: what each is called where it is planted, and what it breaks.
pub const BUGS: [(&str, &str); 18] = [
    (
        "cursor saved before rows",
        "the phone's cursor is durable before the frame it stands for",
    ),
    (
        "outbox outside the transaction",
        "a unit of operations is stored one by one",
    ),
    ("off-by-one sequence", "the feed begins one too late"),
    ("lost leave", "rows that left a scope stay"),
    (
        "retry timer gone idle",
        "after a failure the next attempt never comes",
    ),
    (
        "digest copied from the server",
        "the phone does not look at what it stored",
    ),
    (
        "result stored after the commit",
        "a kill leaves an operation applied and unanswered",
    ),
    (
        "overlay dropped on pull",
        "own edits vanish before the server's word has them",
    ),
    (
        "tombstone collected early",
        "tombstones go and the floor stays",
    ),
    (
        "epoch ignored",
        "a restored server is taken for the old one",
    ),
    ("duplicate applied", "a repeated push takes effect again"),
    (
        "consent merged the wrong way",
        "an edit overrules 'do not contact'",
    ),
    (
        "acknowledged operations forgotten at once",
        "nothing is left to give to a restored server",
    ),
    (
        "snapshot outlives what left",
        "a first fetch gets kept frames with rows that are gone",
    ),
    (
        "fork not noticed",
        "a copy goes on in the original's numbering",
    ),
    (
        "own edits lost with the cache",
        "what a power cut took from the cache is not laid on top again",
    ),
    (
        "new history not durable",
        "a power cut leads back to the old one, with answers of the new one",
    ),
    ("schema not looked at", "an app that is too old is served"),
];
