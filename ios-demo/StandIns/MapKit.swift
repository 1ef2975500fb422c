@_exported import CoreLocation
import SwiftUI

public struct MKCoordinateSpan {
    public var latitudeDelta: Double
    public var longitudeDelta: Double
}
public struct MKCoordinateRegion {
    public var center: CLLocationCoordinate2D
    public var span: MKCoordinateSpan
}
public struct MapCameraPosition {
    public static var automatic: MapCameraPosition { fatalError() }
    public static func userLocation(fallback: MapCameraPosition) -> MapCameraPosition { fatalError() }
}
public struct MapCameraUpdateContext {
    public var region: MKCoordinateRegion { fatalError() }
}
public enum MapCameraUpdateFrequency { case onEnd, continuous }
public protocol MapContent {}
@resultBuilder public struct MapContentBuilder {
    public static func buildBlock<each C: MapContent>(_ content: repeat each C) -> Several<repeat each C> {
        fatalError()
    }
    public static func buildExpression<C: MapContent>(_ content: C) -> C { fatalError() }
    public static func buildOptional<C: MapContent>(_ content: C?) -> C? { fatalError() }
    public struct Several<each C: MapContent>: MapContent {}
}
extension Optional: MapContent where Wrapped: MapContent {}
@MainActor public struct UserAnnotation: MapContent {
    public init() {}
}
@MainActor public struct Marker: MapContent {
    public init(_ title: some StringProtocol, systemImage: String, coordinate: CLLocationCoordinate2D) {}
}
@MainActor public struct MapPolyline: MapContent {
    public init(coordinates: [CLLocationCoordinate2D]) {}
}
extension MapContent {
    public func tint(_ color: Color?) -> some MapContent { self }
    public func stroke(_ color: Color, lineWidth: Double = 1) -> some MapContent { self }
}
extension ForEach: MapContent where Content: MapContent {
    public init(
        _ data: Data, id: KeyPath<Data.Element, ID>,
        @MapContentBuilder content: @escaping (Data.Element) -> Content
    ) { fatalError() }
    public init(_ data: Data, @MapContentBuilder content: @escaping (Data.Element) -> Content)
    where Data.Element: Identifiable, ID == Data.Element.ID { fatalError() }
}
@MainActor public struct Map: View {
    public init(position: Binding<MapCameraPosition>, @MapContentBuilder content: () -> some MapContent) {}
    public var body: Never { fatalError() }
}
extension View {
    public func onMapCameraChange(
        frequency: MapCameraUpdateFrequency = .onEnd, _ action: @escaping (MapCameraUpdateContext) -> Void
    ) -> some View { self }
}
