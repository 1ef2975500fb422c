//! Messages that are compressed on their way: zstd frames, told from plain messages by their first
//! bytes, which no MessagePack map begins with.

use crate::ProtocolError;
use std::borrow::Cow;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Smaller messages gain less than it costs to look.
const WORTH_PACKING: usize = 512;

/// The message as it is to be sent: compressed if that makes it smaller.
pub fn pack_message(message: Vec<u8>, compress: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    if message.len() < WORTH_PACKING {
        return message;
    }
    let packed = compress(&message);
    if is_packed(&packed) && packed.len() < message.len() {
        packed
    } else {
        message
    }
}

/// Whether a body is compressed.
pub(crate) fn is_packed(body: &[u8]) -> bool {
    body.starts_with(&ZSTD_MAGIC)
}

/// The message of a body, compressed or not, of at most `most` bytes. Memory is bounded by that,
/// whatever the bytes.
///
/// # Errors
/// [`ProtocolError::TooLarge`] if it has more; [`ProtocolError::Malformed`] if it is no zstd frame, or
/// one with a larger window.
pub fn unpack_message(body: &[u8], most: usize) -> Result<Cow<'_, [u8]>, ProtocolError> {
    let message = if is_packed(body) {
        Cow::Owned(decompress(body, most, most)?)
    } else {
        Cow::Borrowed(body)
    };
    if message.len() > most {
        return Err(ProtocolError::TooLarge("message"));
    }
    Ok(message)
}

/// What a zstd frame holds, but not much more than `most` bytes of it.
///
/// # Errors
/// [`ProtocolError::Malformed`] if it is no zstd frame, or one whose window is larger than `window`: so
/// much has to be kept before anything of it can be read.
pub(crate) fn decompress(
    frame: &[u8],
    most: usize,
    window: usize,
) -> Result<Vec<u8>, ProtocolError> {
    use std::io::Read as _;
    const BAD: ProtocolError = ProtocolError::Malformed("compressed message");
    let decoder =
        ruzstd::decoding::StreamingDecoder::new_with_max_window_size(frame, window as u64)
            .map_err(|_| BAD)?;
    let mut raw = Vec::with_capacity(most);
    decoder
        .take(most as u64 + 1)
        .read_to_end(&mut raw)
        .map_err(|_| BAD)?;
    Ok(raw)
}

/// Makes a zstd frame with what a phone has.
pub(crate) fn compress_on_phone(message: &[u8]) -> Vec<u8> {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    compress_to_vec(message, CompressionLevel::Fastest)
}
