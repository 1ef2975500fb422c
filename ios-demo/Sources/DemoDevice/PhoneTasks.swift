#if canImport(BackgroundTasks) && !os(macOS)
    import BackgroundTasks
    import DemoModels
    import Foundation
    import UserNotifications

    /// Background syncs by the system's scheduler.
    public struct PhoneTasks: BackgroundScheduler {
        public init() {}

        /// Call before the app has finished launching.
        @MainActor public static func register(_ app: AppModel) {
            BGTaskScheduler.shared.register(
                forTaskWithIdentifier: BackgroundSync.identifier, using: .main
            ) { task in
                let sync = Task { await app.backgroundSync() }
                task.expirationHandler = { sync.cancel() }
                let running = Running(task: task)
                Task { running.task.setTaskCompleted(success: await sync.value) }
            }
        }

        public func schedule(earliest: Date) throws {
            let request = BGAppRefreshTaskRequest(identifier: BackgroundSync.identifier)
            request.earliestBeginDate = earliest
            try BGTaskScheduler.shared.submit(request)
        }
    }

    /// A task may be used from any thread; its class just does not say so.
    private struct Running: @unchecked Sendable {
        let task: BGTask
    }

    /// Notices by the system. Their text is a lead's name and address, so they hide on a locked screen as
    /// the rep's settings say.
    public struct PhoneNotices: Notifier {
        public init() {}

        public static func askPermission() async {
            _ = try? await UNUserNotificationCenter.current().requestAuthorization(options: [.alert, .sound])
        }

        public func tell(_ alert: LeadAlert) async {
            let content = UNMutableNotificationContent()
            content.title = alert.title
            content.body = alert.text
            content.sound = .default
            content.threadIdentifier = "leads"
            let request = UNNotificationRequest(identifier: alert.id, content: content, trigger: nil)
            try? await UNUserNotificationCenter.current().add(request)
        }
    }
#endif
