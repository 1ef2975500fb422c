//! The same drive through Helsinki as OSRM and as Valhalla, in both of its forms, tell it.
#![allow(clippy::unwrap_used)]

use fieldfare_navigator::{
    Itinerary, ManoeuvreKind, Route, RouteSource, SpeedLimit, Turn, parse_routes,
};

const OSRM: &[u8] = include_bytes!("fixtures/helsinki_osrm.json");
const VALHALLA: &[u8] = include_bytes!("fixtures/helsinki_valhalla.json");
const VALHALLA_OSRM: &[u8] = include_bytes!("fixtures/helsinki_valhalla_osrm.json");

fn only(answer: &[u8]) -> Route {
    let mut routes = parse_routes(answer).unwrap();
    assert_eq!(routes.len(), 1);
    routes.remove(0)
}

#[test]
fn dump() {
    for a in [OSRM, VALHALLA, VALHALLA_OSRM] {
        let r = only(a);
        println!(
            "{:?} pts {} steps {} legs {} spoken {} banners {} limits {} bytes {} len {}",
            r.source(),
            r.path().len(),
            r.steps().len(),
            r.leg_count(),
            r.spoken().len(),
            r.banners().len(),
            r.limits().len(),
            r.to_bytes().len(),
            Itinerary::new(r.clone()).length_m()
        );
        assert_eq!(Route::from_bytes(&r.to_bytes()).unwrap(), r);
        for s in r.spoken() {
            println!("  {} {} {}", s.step, s.before_end_dm, s.text);
        }
    }
    let _ = (
        ManoeuvreKind::Turn,
        RouteSource::Own,
        SpeedLimit::Unlimited,
        Turn::Left,
    );
}
