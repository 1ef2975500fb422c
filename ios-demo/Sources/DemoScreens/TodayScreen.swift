#if canImport(SwiftUI) && canImport(MapKit)
    import DemoModels
    import Fieldfare
    import SwiftUI

    /// The planned day, or the drive while there is one.
    struct TodayScreen: View {
        let day: Workday

        var body: some View {
            let today = day.today
            NavigationStack {
                if let drive = today.drive {
                    DriveScreen(drive: drive, day: day)
                } else {
                    PlanList(day: day)
                }
            }
            .following { await today.follow() }
        }
    }

    private struct PlanList: View {
        let day: Workday

        var body: some View {
            let today = day.today
            List {
                ProblemRow(problem: today.problem)
                if let headline = today.headline {
                    Section {
                        Text(headline).font(.headline)
                        if let caution = today.caution {
                            Text(caution).foregroundStyle(.secondary)
                        }
                        Button("Start driving") { Task { await day.startDrive() } }
                            .disabled(today.stops.isEmpty)
                        Button("Plan the rest anew") { replan() }
                    }
                    Section("Visits") {
                        ForEach(today.stops) { StopRow(stop: $0) }
                    }
                    Section("On the way") {
                        Button("Look for leads near the route") { findDetours() }
                        ForEach(today.detours) { detour in
                            DetourRow(detour: detour) { add(detour) }
                        }
                    }
                    if !today.leftOut.isEmpty {
                        Section("Did not fit") {
                            ForEach(today.leftOut) { left in
                                LabeledContent(left.lead.name, value: left.reason)
                            }
                        }
                    }
                } else {
                    Button("Plan my day") { plan() }
                }
            }
            .disabled(today.isPlanning)
            .navigationTitle("Today")
            .navigationDestination(for: LeadRow.self) { row in
                LeadScreen(model: day.lead(row.id), day: day)
            }
        }

        private func plan() {
            Task { await day.today.planDay(from: day.tracker.position) }
        }

        private func replan() {
            Task { await day.today.replan(from: day.tracker.position) }
        }

        private func findDetours() {
            Task { await day.today.findDetours(from: day.tracker.position) }
        }

        private func add(_ detour: TodayModel.Detour) {
            Task {
                await day.today.replan(
                    from: day.tracker.position, .added(wish: StopWish(lead: detour.id, isMandatory: true)))
            }
        }
    }

    private struct StopRow: View {
        let stop: TodayModel.Stop

        var body: some View {
            NavigationLink(value: stop.lead) {
                HStack {
                    Text(stop.start, style: .time).font(.callout.monospacedDigit())
                    VStack(alignment: .leading) {
                        Text(stop.lead.name).font(.headline)
                        Text(stop.lead.address).font(.subheadline).foregroundStyle(.secondary)
                    }
                }
            }
        }
    }

    private struct DetourRow: View {
        let detour: TodayModel.Detour
        let add: () -> Void

        var body: some View {
            HStack {
                VStack(alignment: .leading) {
                    Text(detour.lead.name)
                    Text("\(detour.minutes) min more").font(.footnote).foregroundStyle(.secondary)
                }
                Spacer()
                Button("Add") { add() }.buttonStyle(.bordered)
            }
        }
    }
#endif
