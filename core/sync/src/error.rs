/// Why bytes were not understood. Carries no data from the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Not the MessagePack form the protocol prescribes.
    #[error("malformed {0}: not the form the protocol prescribes")]
    Malformed(&'static str),
    /// A size or count is beyond the limit the protocol sets.
    #[error("{0} is larger than the protocol allows")]
    TooLarge(&'static str),
    /// The payload is not what its checksum says.
    #[error("frame payload does not match its checksum; fetch it again")]
    Checksum,
    /// A newer frame format or protocol.
    #[error("{0} has a version this build does not speak; update the app")]
    Version(&'static str),
}
