#if canImport(SwiftUI) && canImport(MapKit)
    import DemoModels
    import Fieldfare
    import MapKit
    import SwiftUI

    /// Following the route.
    struct DriveScreen: View {
        @Bindable var drive: DriveModel
        let day: Workday
        @State private var camera = MapCameraPosition.userLocation(fallback: .automatic)
        @State private var visit: VisitForm?

        var body: some View {
            VStack(spacing: 0) {
                DriveBanner(drive: drive)
                Map(position: $camera) {
                    MapPolyline(coordinates: drive.line.map(\.coordinate)).stroke(.blue, lineWidth: 5)
                    UserAnnotation()
                }
                DriveFooter(drive: drive)
            }
            .navigationTitle(drive.nextStop ?? "Today")
            .toolbar {
                Button("Skip") { Task { await drive.skipStop() } }
                Button("End") { Task { await day.endDrive() } }
            }
            .confirmationDialog("Did you visit them?", isPresented: $drive.isAsking) {
                Button("Record a visit") { recordVisit() }
                Button("No", role: .cancel) { drive.proposal = nil }
            }
            .sheet(item: $visit) { VisitScreen(form: $0, position: { day.tracker.position }) }
        }

        private func recordVisit() {
            guard let proposal = drive.proposal else { return }
            drive.proposal = nil
            Task { visit = await day.visit(proposal) }
        }
    }

    private struct DriveBanner: View {
        let drive: DriveModel

        var body: some View {
            VStack(alignment: .leading, spacing: 4) {
                HStack {
                    Text(drive.instruction).font(.title2)
                    Spacer()
                    if let distance = drive.distance { Text(distance).font(.title2) }
                }
                if let warning = drive.warning {
                    Label(warning, systemImage: "exclamationmark.triangle").foregroundStyle(.orange)
                }
            }
            .padding()
            .accessibilityElement(children: .combine)
        }
    }

    private struct DriveFooter: View {
        let drive: DriveModel

        var body: some View {
            VStack(alignment: .leading) {
                if let stop = drive.nextStop, let at = drive.nextStopAt {
                    HStack {
                        Text(stop).font(.headline)
                        Spacer()
                        Text(at, style: .time)
                    }
                }
                if let done = drive.doneAt {
                    HStack {
                        Text("Done at").foregroundStyle(.secondary)
                        Spacer()
                        Text(done, style: .time).foregroundStyle(.secondary)
                    }
                }
                if !drive.isByRoad {
                    Text("As the crow flies: there is no road route on this phone.")
                        .font(.footnote)
                        .foregroundStyle(.secondary)
                }
            }
            .padding()
        }
    }
#endif
