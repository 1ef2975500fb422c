//! Routes, recordings and tracks.

use fieldfare_geo::{Precision, decode_polyline, encode_polyline};
use fieldfare_navigator::{GpxOptions, Recording, Route, parse_routes, read_gpx, write_gpx};

/// An answer of OSRM or Valhalla.
pub fn answer(bytes: &[u8]) {
    for route in parse_routes(bytes).into_iter().flatten() {
        let again = Route::from_bytes(&route.to_bytes()).expect("reads what it wrote");
        assert_eq!(again, route);
    }
}

/// A route as the store keeps it.
pub fn bytes(bytes: &[u8]) {
    if let Ok(route) = Route::from_bytes(bytes) {
        assert_eq!(Route::from_bytes(&route.to_bytes()), Ok(route));
    }
}

/// A recorded drive, read and driven again.
pub fn recording(bytes: &[u8]) {
    if let Ok(recording) = Recording::from_bytes(bytes) {
        let _ = recording.replay();
        let written = recording.redacted().to_bytes();
        Recording::from_bytes(&written).expect("reads what it wrote");
    }
}

/// A track from elsewhere.
pub fn gpx(bytes: &[u8]) {
    let options = GpxOptions::default();
    if let Ok(fixes) = read_gpx(bytes, &options) {
        let again = read_gpx(write_gpx(&fixes).as_bytes(), &options);
        assert_eq!(again.map(|fixes| fixes.len()), Ok(fixes.len()));
    }
}

/// An encoded polyline of either precision.
pub fn polyline(bytes: &[u8]) {
    for precision in [Precision::Five, Precision::Six] {
        if let Ok(path) = decode_polyline(bytes, precision) {
            let again = decode_polyline(encode_polyline(&path, precision), precision);
            assert_eq!(again, Ok(path));
        }
    }
}
