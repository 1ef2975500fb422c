#if canImport(SwiftUI)
    import DemoModels
    import SwiftUI

    /// Where the phone stands with the server, and what the server refused.
    struct SyncScreen: View {
        let app: AppModel
        let day: Workday
        @State private var isSigningOut = false

        var body: some View {
            let sync = day.sync
            NavigationStack {
                List {
                    Section {
                        SyncHeadline(sync: sync)
                        Button("Sync now") { Task { await sync.sync() } }
                            .disabled(sync.isSyncing)
                    }
                    ProblemRow(problem: sync.problem ?? app.problem)
                    if !sync.refusals.isEmpty {
                        Section("Not accepted") {
                            ForEach(sync.refusals) { RefusalRow(refusal: $0, sync: sync) }
                        }
                    }
                    if !sync.clashes.isEmpty {
                        Section("Changed by somebody else too") {
                            ForEach(sync.clashes) { ClashRow(clash: $0) }
                        }
                    }
                    Section(day.repName) {
                        Button("Sign out", role: .destructive) { isSigningOut = true }
                    }
                }
                .navigationTitle("Sync")
                .refreshable { await sync.sync() }
                .confirmationDialog("Delete everything on this phone?", isPresented: $isSigningOut) {
                    Button("Sign out", role: .destructive) { Task { await app.signOut() } }
                    if sync.pending > 0 || !sync.refusals.isEmpty {
                        Button("Sign out and lose what is not sent", role: .destructive) {
                            Task { await app.signOut(force: true) }
                        }
                    }
                }
            }
        }
    }

    private struct SyncHeadline: View {
        let sync: SyncModel

        var body: some View {
            HStack {
                VStack(alignment: .leading) {
                    Text(sync.headline).font(.headline)
                    if let detail = sync.detail {
                        Text(detail).foregroundStyle(.secondary)
                    }
                }
                Spacer()
                if sync.isSyncing { ProgressView() }
            }
        }
    }

    private struct RefusalRow: View {
        let refusal: SyncModel.Refusal
        let sync: SyncModel

        var body: some View {
            VStack(alignment: .leading, spacing: 8) {
                Text(refusal.title).font(.headline)
                Text(refusal.reason).foregroundStyle(.secondary)
                HStack {
                    if refusal.canRetry {
                        Button("Send again") { Task { await sync.retry(refusal.id) } }
                    }
                    Button("Put away", role: .destructive) { Task { await sync.discard(refusal.id) } }
                }
                .buttonStyle(.bordered)
            }
        }
    }

    private struct ClashRow: View {
        let clash: SyncModel.Clash

        var body: some View {
            VStack(alignment: .leading) {
                Text(clash.title)
                Text("Kept: \(clash.kept)").font(.footnote)
                Text("Not kept: \(clash.lost)").font(.footnote).foregroundStyle(.secondary)
            }
        }
    }
#endif
