//! Whole trips.
use fieldfare_model::LatLng;
use fieldfare_navigator::simulate::*;
use fieldfare_navigator::*;
use std::sync::Arc;

#[test]
fn dump() {
    for shape in RouteShape::ALL {
        let start = LatLng::new(60.17, 24.94).unwrap();
        let it = Arc::new(Itinerary::new(shaped_route(shape, start, 1).unwrap()));
        let script = DriveScript::plain(7);
        let mut s = RouteSession::new(it.clone(), FollowConfig::default()).unwrap();
        s.start(script.start_at);
        println!(
            "== {shape:?} {} m, {} steps, {} spoken",
            it.length_m(),
            it.route().steps().len(),
            it.route().spoken().len()
        );
        let mut worst: f64 = 0.0;
        for f in drive(&it, &script) {
            let u = s.update(&f.fix);
            if let (Some(sn), Truth::On { along_m }) = (u.snapped, f.truth) {
                worst = worst.max((sn.along_m - along_m).abs());
            }
            for e in u.events {
                println!("{:?} {:?}", f.truth, e);
            }
        }
        println!("worst {worst} {:?}", s.phase());
    }
}
