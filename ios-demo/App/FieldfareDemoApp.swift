import DemoDevice
import DemoModels
import DemoScreens
import Fieldfare
import Foundation
import SwiftUI
import UIKit

@main struct FieldfareDemoApp: App {
    @UIApplicationDelegateAdaptor(AppDelegate.self) private var delegate
    @Environment(\.scenePhase) private var scenePhase

    var body: some Scene {
        WindowGroup {
            RootScreen(app: delegate.app)
        }
        .onChange(of: scenePhase) { _, phase in
            switch phase {
            case .active: Task { await delegate.app.cameToFront() }
            case .background: delegate.leaveFront()
            default: break
            }
        }
    }
}

@MainActor final class AppDelegate: NSObject, UIApplicationDelegate {
    let app = AppModel(.phone())

    /// iOS starts the app without a window, too: for a background task, or when a region is crossed.
    func application(
        _ application: UIApplication,
        didFinishLaunchingWithOptions options: [UIApplication.LaunchOptionsKey: Any]? = nil
    ) -> Bool {
        PhoneTasks.register(app)
        Task { await app.start() }
        Task { await PhoneNotices.askPermission() }
        return true
    }

    /// Letting go of the files must be done before iOS stops the app.
    func leaveFront() {
        let application = UIApplication.shared
        let time = application.beginBackgroundTask(withName: "close files")
        Task {
            await app.leftFront()
            application.endBackgroundTask(time)
        }
    }
}

extension Surroundings {
    /// This phone. The server's address comes from the app's `Info.plist`.
    static func phone() -> Surroundings {
        let server = Bundle.main.object(forInfoDictionaryKey: "FieldfareServer") as? String ?? ""
        let folder = (try? PhoneFiles.prepare())?.path ?? ""
        var surroundings = Surroundings(
            config: EngineConfig(dir: folder, serverUrl: server, fenceLimit: 20),
            vault: KeychainVault(service: "dev.fieldfare.demo"), location: PhoneLocation(),
            notifier: PhoneNotices(), speaker: PhoneVoice(), scheduler: PhoneTasks())
        surroundings.savesBattery = { ProcessInfo.processInfo.isLowPowerModeEnabled }
        return surroundings
    }
}
