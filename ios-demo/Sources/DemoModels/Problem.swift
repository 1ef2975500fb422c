import Fieldfare

/// What went wrong, in words for a rep.
public struct Problem: Equatable, Sendable, Error {
    /// What happened.
    public let title: String
    /// What to do.
    public let advice: String

    public init(title: String, advice: String) {
        self.title = title
        self.advice = advice
    }

    public init(_ error: any Error) {
        guard let error = error as? FieldfareError else {
            self.init(title: "Something went wrong", advice: "Try again.")
            return
        }
        self.init(title: Self.title(of: error), advice: Self.advice(for: error))
    }

    /// Whether the error only says that the app was put away or a task ended; nothing to show.
    static func isSilent(_ error: any Error) -> Bool {
        switch error {
        case FieldfareError.closed, FieldfareError.cancelled, is CancellationError: true
        default: false
        }
    }

    private static func title(of error: FieldfareError) -> String {
        switch error {
        case .offline, .tryLater: "No connection"
        case .notEnrolled, .revoked, .unauthorized: "This phone is not signed in"
        case .alreadyEnrolled: "This phone is signed in already"
        case .consentRequired: "Your agreement is needed"
        case .invalid: "Please check what you entered"
        case .notFound: "It is not here any more"
        case .unsentWork: "Some work is not sent yet"
        case .upgradeRequired: "A newer app is needed"
        case .diskFull: "The phone is full"
        case .key, .damaged, .storage: "The app's files cannot be opened"
        case .server: "The server has a problem"
        case .busy, .cancelled, .closed, .internal: "That did not work"
        }
    }

    private static func advice(for error: FieldfareError) -> String {
        switch error {
        case .offline, .tryLater: "Go on working. Everything is kept and sent later."
        case .notEnrolled, .revoked, .unauthorized: "Ask your company for a new code."
        case .consentRequired: "You can give it under Location."
        case .notFound: "Somebody else removed it, or it went to another territory."
        case .unsentWork(let operations): "\(counted(Int(operations), "change")) would be lost."
        case .upgradeRequired: "Update the app. Your work is kept."
        case .diskFull: "Free some space and try again."
        default: error.explanation()
        }
    }
}

/// "1 change", "2 changes".
func counted(_ number: Int, _ thing: String) -> String {
    number == 1 ? "1 \(thing)" : "\(number) \(thing)s"
}
