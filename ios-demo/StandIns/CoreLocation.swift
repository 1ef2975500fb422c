import Foundation

public struct CLLocationCoordinate2D {
    public var latitude: Double
    public var longitude: Double
    public init(latitude: Double, longitude: Double) { fatalError() }
}
open class CLLocation: NSObject {
    public var coordinate: CLLocationCoordinate2D { fatalError() }
    public var horizontalAccuracy: Double { fatalError() }
    public var speed: Double { fatalError() }
    public var timestamp: Date { fatalError() }
}
open class CLRegion: NSObject {}
open class CLCircularRegion: CLRegion {
    public init(center: CLLocationCoordinate2D, radius: Double, identifier: String) { fatalError() }
}
public enum CLAuthorizationStatus: Int32 {
    case notDetermined, restricted, denied, authorizedAlways, authorizedWhenInUse
}
public enum CLActivityType: Int { case other, otherNavigation }
public protocol CLLocationManagerDelegate: NSObjectProtocol {
    func locationManager(_ manager: CLLocationManager, didUpdateLocations locations: [CLLocation])
    func locationManager(_ manager: CLLocationManager, didEnterRegion region: CLRegion)
    func locationManager(_ manager: CLLocationManager, didExitRegion region: CLRegion)
    func locationManager(_ manager: CLLocationManager, didFailWithError error: any Error)
    func locationManagerDidChangeAuthorization(_ manager: CLLocationManager)
}
open class CLLocationManager: NSObject {
    public weak var delegate: (any CLLocationManagerDelegate)?
    public var activityType: CLActivityType = .other
    public var pausesLocationUpdatesAutomatically = true
    public var allowsBackgroundLocationUpdates = false
    public var desiredAccuracy = 0.0
    public var authorizationStatus: CLAuthorizationStatus { fatalError() }
    public var monitoredRegions: Set<CLRegion> { fatalError() }
    public func requestAlwaysAuthorization() {}
    public func requestWhenInUseAuthorization() {}
    public func startUpdatingLocation() {}
    public func stopUpdatingLocation() {}
    public func startMonitoring(for region: CLRegion) {}
    public func stopMonitoring(for region: CLRegion) {}
}
open class CLBackgroundActivitySession: NSObject {
    public func invalidate() {}
}
