#if canImport(SwiftUI)
    import DemoModels
    import SwiftUI

    /// Whatever there is to show.
    public struct RootScreen: View {
        let app: AppModel

        public init(app: AppModel) {
            self.app = app
        }

        public var body: some View {
            switch app.phase {
            case .opening:
                ProgressView("Opening your leads")
            case .signedOut:
                SignInScreen(app: app)
            case .ready(let day):
                WorkdayScreen(app: app, day: day)
            case .failed(let problem):
                ContentUnavailableView {
                    Label(problem.title, systemImage: "lock.slash")
                } description: {
                    Text(problem.advice)
                } actions: {
                    Button("Try again") { Task { await app.start() } }
                        .buttonStyle(.borderedProminent)
                }
            }
        }
    }

    /// The four tabs.
    struct WorkdayScreen: View {
        let app: AppModel
        let day: Workday

        var body: some View {
            TabView {
                NearbyScreen(day: day)
                    .tabItem { Label("Near me", systemImage: "map") }
                TodayScreen(day: day)
                    .tabItem { Label("Today", systemImage: "list.number") }
                ConsentScreen(day: day, location: app.surroundings.location)
                    .tabItem { Label("Location", systemImage: "location") }
                SyncScreen(app: app, day: day)
                    .tabItem { Label("Sync", systemImage: "arrow.triangle.2.circlepath") }
                    .badge(day.sync.refusals.count)
            }
            .following { await day.sync.follow() }
        }
    }
#endif
