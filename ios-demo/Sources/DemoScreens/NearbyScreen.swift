#if canImport(SwiftUI) && canImport(MapKit)
    import DemoModels
    import Fieldfare
    import MapKit
    import SwiftUI

    /// The map and the list of leads near the rep.
    struct NearbyScreen: View {
        let day: Workday
        @State private var camera = MapCameraPosition.userLocation(fallback: .automatic)

        var body: some View {
            @Bindable var nearby = day.nearby
            NavigationStack {
                VStack(spacing: 0) {
                    LeadMap(nearby: nearby, camera: $camera)
                        .frame(minHeight: 220, maxHeight: 280)
                    Picker("Within", selection: $nearby.radius) {
                        ForEach(NearbyModel.Radius.allCases, id: \.self) { radius in
                            Text(distanceText(radius.rawValue)).tag(radius)
                        }
                    }
                    .pickerStyle(.segmented)
                    .padding(8)
                    LeadList(nearby: nearby)
                }
                .navigationTitle("Near me")
                .navigationDestination(for: LeadRow.self) { row in
                    LeadScreen(model: day.lead(row.id), day: day)
                }
                .searchable(text: $nearby.text, prompt: "Name, street, notes")
            }
            .following(nearby.question) { await nearby.follow() }
            .onAppear { day.tracker.isOnScreen = true }
            .onDisappear { day.tracker.isOnScreen = false }
        }
    }

    private struct LeadMap: View {
        let nearby: NearbyModel
        @Binding var camera: MapCameraPosition

        var body: some View {
            Map(position: $camera) {
                UserAnnotation()
                ForEach(nearby.pins, id: \.id) { pin in
                    Marker("", systemImage: "building.2", coordinate: pin.position.coordinate)
                        .tint(pin.status.color)
                }
            }
            .onMapCameraChange(frequency: .onEnd) { context in
                let region = context.region
                Task { await nearby.look(southWest: region.southWest, northEast: region.northEast) }
            }
        }
    }

    private struct LeadList: View {
        let nearby: NearbyModel

        var body: some View {
            List {
                ProblemRow(problem: nearby.problem)
                ForEach(nearby.rows) { row in
                    NavigationLink(value: row) { LeadRowView(row: row) }
                }
                if nearby.total > nearby.rows.count {
                    Text("\(nearby.total - nearby.rows.count) more are farther away")
                        .foregroundStyle(.secondary)
                }
            }
            .listStyle(.plain)
            .overlay {
                if nearby.isWaitingForPosition {
                    ContentUnavailableView(
                        "Looking for your position", systemImage: "location.magnifyingglass")
                } else if nearby.rows.isEmpty, nearby.problem == nil {
                    ContentUnavailableView("No leads here", systemImage: "mappin.slash")
                }
            }
        }
    }

    /// A lead in a list.
    struct LeadRowView: View {
        let row: LeadRow

        var body: some View {
            HStack {
                Circle()
                    .fill(row.status.color)
                    .frame(width: 10, height: 10)
                    .accessibilityHidden(true)
                VStack(alignment: .leading) {
                    Text(row.name).font(.headline)
                    Text(row.address.isEmpty ? row.status.title : row.address)
                        .font(.subheadline)
                        .foregroundStyle(.secondary)
                }
                Spacer()
                if row.isPending {
                    Image(systemName: "arrow.up.circle")
                        .foregroundStyle(.secondary)
                        .accessibilityLabel("Waits to be sent")
                }
                if let distance = row.distance {
                    Text(distance).font(.callout.monospacedDigit())
                }
            }
        }
    }

    extension LeadStatus {
        /// A colour in light and dark.
        var color: Color {
            switch self {
            case .new, .open: .blue
            case .contacted, .qualified: .orange
            case .customer: .green
            case .lost, .doNotContact: .gray
            }
        }
    }

    extension LatLng {
        var coordinate: CLLocationCoordinate2D {
            CLLocationCoordinate2D(latitude: lat, longitude: lon)
        }
    }

    extension MKCoordinateRegion {
        fileprivate var southWest: LatLng {
            LatLng(
                lat: max(-90, center.latitude - span.latitudeDelta / 2),
                lon: wrapped(center.longitude - span.longitudeDelta / 2))
        }

        fileprivate var northEast: LatLng {
            LatLng(
                lat: min(90, center.latitude + span.latitudeDelta / 2),
                lon: wrapped(center.longitude + span.longitudeDelta / 2))
        }

        /// A map may be dragged across the date line.
        private func wrapped(_ longitude: Double) -> Double {
            longitude < -180 ? longitude + 360 : longitude > 180 ? longitude - 360 : longitude
        }
    }
#endif
