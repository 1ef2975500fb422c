//! The polyline codec: known answers, round trips, and any bytes at all.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]
mod common;
use common::{anywhere, at};
use fieldfare_geo::{PolylineError, Precision, decode_polyline, encode_polyline};
use proptest::collection::vec;
use proptest::prelude::*;

fn precision() -> impl Strategy<Value = Precision> {
    prop_oneof![Just(Precision::Five), Just(Precision::Six)]
}

/// The example of Google's description of the format.
#[test]
fn the_published_example() {
    let path = [at(38.5, -120.2), at(40.7, -120.95), at(43.252, -126.453)];
    let text = "_p~iF~ps|U_ulLnnqC_mqNvxq`@";
    assert_eq!(encode_polyline(&path, Precision::Five), text);
    assert_eq!(decode_polyline(text, Precision::Five).unwrap(), path);
}

#[test]
fn the_farthest_step_fits() {
    let path = [at(90.0, 180.0), at(-90.0, -180.0), at(90.0, 180.0)];
    for precision in [Precision::Five, Precision::Six] {
        let text = encode_polyline(&path, precision);
        assert_eq!(decode_polyline(text, precision).unwrap(), path);
    }
}

#[test]
fn says_what_is_wrong() {
    let decode = |text: &str| decode_polyline(text, Precision::Five);
    assert_eq!(decode(""), Ok(vec![]));
    assert_eq!(decode("_p~iF"), Err(PolylineError::Truncated));
    assert_eq!(decode("_p~iF~ps|"), Err(PolylineError::Truncated));
    assert_eq!(decode("_p~iF ps|U"), Err(PolylineError::Byte { at: 5 }));
    assert_eq!(
        decode("_p~iF~ps|U_ul\u{7f}"),
        Err(PolylineError::Byte { at: 13 })
    );
    assert_eq!(decode("~~~~~~~~?"), Err(PolylineError::TooLarge { at: 6 }));
    assert_eq!(decode("~~~~~~^?"), Err(PolylineError::TooLarge { at: 6 }));
    assert_eq!(
        decode("??_____C?"),
        Err(PolylineError::OutOfRange { index: 1 })
    );
    let six = encode_polyline(&[at(1.0, 1.0), at(52.0, 13.0)], Precision::Six);
    assert_eq!(decode(&six), Err(PolylineError::OutOfRange { index: 1 }));
}

proptest! {
    #[test]
    fn a_round_trip_rounds_once(path in vec(anywhere(), 0..60), precision in precision()) {
        let scale = if precision == Precision::Five { 1e5 } else { 1e6 };
        let text = encode_polyline(&path, precision);
        let back = decode_polyline(&text, precision).unwrap();
        prop_assert_eq!(back.len(), path.len());
        for (a, b) in path.iter().zip(&back) {
            prop_assert!((a.lat() - b.lat()).abs() <= 0.500_001 / scale);
            prop_assert!((a.lon() - b.lon()).abs() <= 0.500_001 / scale);
        }
        prop_assert_eq!(encode_polyline(&back, precision), text);
    }

    #[test]
    fn any_bytes_give_an_answer(bytes in vec(any::<u8>(), 0..80), precision in precision()) {
        let _ = decode_polyline(&bytes, precision);
    }

    #[test]
    fn any_text_of_the_alphabet_gives_an_answer(bytes in vec(b'?'..=b'~', 0..80), precision in precision()) {
        if let Ok(path) = decode_polyline(&bytes, precision) {
            let again = decode_polyline(encode_polyline(&path, precision), precision).unwrap();
            prop_assert_eq!(again, path);
        }
    }
}
