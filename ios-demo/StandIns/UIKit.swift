import Foundation

public struct UIBackgroundTaskIdentifier: Sendable {}
@MainActor open class UIApplication {
    public struct LaunchOptionsKey: Hashable {}
    public static var shared: UIApplication { fatalError() }
    public func beginBackgroundTask(
        withName name: String?, expirationHandler: (@MainActor @Sendable () -> Void)? = nil
    ) -> UIBackgroundTaskIdentifier { fatalError() }
    public func endBackgroundTask(_ identifier: UIBackgroundTaskIdentifier) {}
}
@MainActor public protocol UIApplicationDelegate: NSObjectProtocol {
    func application(
        _ application: UIApplication,
        didFinishLaunchingWithOptions launchOptions: [UIApplication.LaunchOptionsKey: Any]?
    ) -> Bool
}
extension ProcessInfo {
    public var isLowPowerModeEnabled: Bool { fatalError() }
}
