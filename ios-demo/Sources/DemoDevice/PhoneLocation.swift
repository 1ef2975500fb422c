#if canImport(CoreLocation) && !os(macOS)
    import CoreLocation
    import DemoModels
    import Fieldfare
    import Foundation

    /// The phone's positioning, in front and in the background.
    ///
    /// Make it as soon as the app starts: iOS starts the app anew when a watched region is entered or left,
    /// and delivers to whoever is there.
    @MainActor public final class PhoneLocation: NSObject, LocationSource {
        public let fixes: AsyncStream<[Fix]>
        private let deliver: AsyncStream<[Fix]>.Continuation
        private let manager = CLLocationManager()
        private var duty = FixDuty(.nothing)
        private var change: Task<Void, Never>?
        private var session: CLBackgroundActivitySession?

        public override init() {
            (fixes, deliver) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(256))
            super.init()
            manager.delegate = self
            manager.activityType = .otherNavigation
            manager.pausesLocationUpdatesAutomatically = false
        }

        public func askPermission(always: Bool) {
            if always, manager.authorizationStatus == .authorizedWhenInUse {
                manager.requestAlwaysAuthorization()
            } else {
                manager.requestWhenInUseAuthorization()
            }
        }

        public func want(_ wish: FixWish) {
            duty = FixDuty(wish)
            apply()
        }

        /// The engine counts on the regions it was asked for (`fenceLimit`); iOS watches twenty.
        public func watch(_ fences: Fences) {
            for region in manager.monitoredRegions {
                manager.stopMonitoring(for: region)
            }
            for (number, area) in ([fences.rearm] + fences.areas).enumerated() {
                let region = CLCircularRegion(
                    center: area.center.coordinate, radius: area.radiusM,
                    identifier: area.lead.map { "lead-\($0)" } ?? "rearm-\(number)")
                manager.startMonitoring(for: region)
            }
        }

        /// Sets the platform to what is wanted now, and again when that changes by itself.
        private func apply() {
            change?.cancel()
            change = nil
            let now = Date()
            guard let accuracyM = duty.accuracyM(now: now), isAllowed else {
                manager.stopUpdatingLocation()
                session?.invalidate()
                session = nil
                return
            }
            manager.desiredAccuracy = accuracyM
            manager.allowsBackgroundLocationUpdates = true
            session = session ?? CLBackgroundActivitySession()
            manager.startUpdatingLocation()
            if let next = duty.changes(after: now) {
                change = Task { [weak self] in
                    try? await Task.sleep(for: .seconds(next.timeIntervalSince(now)))
                    if !Task.isCancelled { self?.apply() }
                }
            }
        }

        private var isAllowed: Bool {
            [.authorizedAlways, .authorizedWhenInUse].contains(manager.authorizationStatus)
        }

        fileprivate func received(_ readings: [Fix]) {
            let wanted = readings.filter { duty.takes(at: $0.at, accuracyM: $0.accuracyM) }
            if !wanted.isEmpty { deliver.yield(wanted) }
        }

        /// A region was entered or left: one fix now, whatever was wanted.
        fileprivate func crossed() {
            want(.at(Date(), accuracyM: 50))
        }

        fileprivate func permissionChanged() {
            apply()
        }
    }

    /// Core Location calls on the thread the manager was made on, which is the main one.
    extension PhoneLocation: CLLocationManagerDelegate {
        public nonisolated func locationManager(
            _ manager: CLLocationManager, didUpdateLocations locations: [CLLocation]
        ) {
            let readings = locations.filter { $0.horizontalAccuracy >= 0 }.map(Fix.init)
            MainActor.assumeIsolated { received(readings) }
        }

        public nonisolated func locationManager(
            _ manager: CLLocationManager, didEnterRegion region: CLRegion
        ) {
            MainActor.assumeIsolated { crossed() }
        }

        public nonisolated func locationManager(
            _ manager: CLLocationManager, didExitRegion region: CLRegion
        ) {
            MainActor.assumeIsolated { crossed() }
        }

        public nonisolated func locationManagerDidChangeAuthorization(_ manager: CLLocationManager) {
            MainActor.assumeIsolated { permissionChanged() }
        }

        /// Without a position there is nothing to do but wait for one.
        public nonisolated func locationManager(
            _ manager: CLLocationManager, didFailWithError error: any Error
        ) {}
    }

    extension Fix {
        /// Core Location gives the radius of 68 % confidence, and a negative speed where it knows none.
        fileprivate init(_ location: CLLocation) {
            self.init(
                position: LatLng(lat: location.coordinate.latitude, lon: location.coordinate.longitude),
                at: location.timestamp, accuracyM: location.horizontalAccuracy,
                speedMps: location.speed >= 0 ? location.speed : nil)
        }
    }

    extension LatLng {
        fileprivate var coordinate: CLLocationCoordinate2D {
            CLLocationCoordinate2D(latitude: lat, longitude: lon)
        }
    }
#endif
