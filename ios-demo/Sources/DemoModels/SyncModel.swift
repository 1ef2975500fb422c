import Fieldfare
import Foundation
import Observation

/// Where the phone stands with the server, and what the server refused.
@MainActor @Observable public final class SyncModel {
    /// A change the server refused for good.
    public struct Refusal: Identifiable, Equatable, Sendable {
        public let id: OperationId
        /// What was changed, such as "Brandt Bakery: notes, phone".
        public let title: String
        public let reason: String
        /// Whether offering it again may help.
        public let canRetry: Bool
    }

    /// A value that lost against another one.
    public struct Clash: Identifiable, Equatable, Sendable {
        public let id: ConflictId
        public let title: String
        public let kept: String
        public let lost: String
    }

    public private(set) var headline = ""
    public private(set) var detail: String?
    public private(set) var isSyncing = false
    public private(set) var pending = 0
    public private(set) var refusals: [Refusal] = []
    public private(set) var clashes: [Clash] = []
    public private(set) var problem: Problem?

    private let client: FieldfareClient
    private var state = SyncState.idle(last: nil)
    private var lastSyncAt: Date?
    /// Syncs the rep asked for that run.
    private var asked = 0

    public init(client: FieldfareClient) {
        self.client = client
    }

    /// Shows how things stand, until the task is cancelled.
    public func follow() async {
        async let states: Void = followStates()
        await followChanges()
        await states
    }

    /// Sends what waits and fetches what changed. Cancelling the task ends it.
    public func sync() async {
        asked += 1
        tell()
        do {
            try await client.sync()
            problem = nil
        } catch {
            problem = Problem.isSilent(error) || error == .busy || error == .offline ? nil : Problem(error)
        }
        asked -= 1
        await refresh()
    }

    /// Offers a refused change again.
    public func retry(_ id: OperationId) async {
        await dealWith { try await self.client.retryRefused(id) }
    }

    /// Puts a refused change away.
    public func discard(_ id: OperationId) async {
        await dealWith { try await self.client.discardRefused(id) }
    }

    private func dealWith(_ call: () async throws -> Void) async {
        do {
            try await call()
            problem = nil
        } catch {
            problem = Problem(error)
        }
        await refresh()
    }

    private func followStates() async {
        for await state in client.syncStates {
            self.state = state
            tell()
        }
    }

    private func followChanges() async {
        do {
            for try await answer in client.watch({ try await Answer(of: $0) }) {
                show(answer)
            }
        } catch {
            problem = Problem.isSilent(error) ? nil : Problem(error)
        }
    }

    private func refresh() async {
        if let answer = try? await Answer(of: client) {
            show(answer)
        }
    }

    private func show(_ answer: Answer) {
        pending = Int(answer.pending)
        lastSyncAt = answer.lastSyncAt
        refusals = answer.refusals
        clashes = answer.clashes
        tell()
    }

    private func tell() {
        isSyncing = asked > 0
        switch state {
        case .running(let progress):
            isSyncing = true
            headline = "Syncing"
            detail = progress.rows > 0 ? "\(counted(Int(progress.rows), "row")) so far" : nil
        case _ where isSyncing:
            headline = "Syncing"
            detail = nil
        case .failed(.offline), .failed(.tryLater):
            headline = "No connection"
            detail = waiting ?? "Everything you see is on this phone."
        case .failed(let error):
            let problem = Problem(error)
            headline = problem.title
            detail = problem.advice
        case .idle:
            headline = waiting == nil ? (lastSyncAt == nil ? "Not synced yet" : "Up to date") : "Not sent yet"
            detail = waiting
        }
    }

    private var waiting: String? {
        pending == 0 ? nil : "\(counted(pending, "change")) to send"
    }

    fileprivate struct Answer: Equatable, Sendable {
        let pending: Int64
        let lastSyncAt: Date?
        let refusals: [Refusal]
        let clashes: [Clash]
    }
}

extension SyncModel.Answer {
    fileprivate init(of client: FieldfareClient) async throws {
        let status = try await client.status()
        let refused = try await client.refused()
        let conflicts = try await client.conflicts()
        let rows = refused.map(\.change.row) + conflicts.map(\.row)
        let leads = try await client.leads(Array(Set(rows).prefix(200)))
        let names = Dictionary(uniqueKeysWithValues: leads.map { ($0.id, $0.name) })
        pending = status.pending
        lastSyncAt = status.lastSyncAt
        refusals = refused.map { SyncModel.Refusal($0, name: names[$0.change.row]) }
        clashes = conflicts.map { SyncModel.Clash($0, name: names[$0.row]) }
    }
}

extension SyncModel.Refusal {
    fileprivate init(_ refused: RefusedChange, name: String?) {
        let columns = refused.change.fields.map { $0.column.replacing("_", with: " ") }.sorted()
        let what = name ?? (refused.change.entity == "lead" ? "A lead" : "A \(refused.change.entity)")
        id = refused.change.id
        title = columns.isEmpty ? what : "\(what): \(columns.joined(separator: ", "))"
        reason = Self.words(for: refused)
        canRetry = ![.deleted, .outOfScope, .exists].contains(refused.code)
    }

    private static func words(for refused: RefusedChange) -> String {
        switch refused.code {
        case .deleted: "The lead was deleted meanwhile."
        case .outOfScope: "The lead is in another territory now."
        case .readOnly: "Your company does not let reps change this."
        case .transition: "This step does not follow from the status it has now."
        case .exists: "It is there already."
        default: refused.reason
        }
    }
}

extension SyncModel.Clash {
    fileprivate init(_ conflict: Conflict, name: String?) {
        id = conflict.id
        let column = (conflict.column ?? "").replacing("_", with: " ")
        title = column.isEmpty ? name ?? "A lead" : "\(name ?? "A lead"): \(column)"
        kept = Self.words(conflict.kept)
        lost = Self.words(conflict.lost)
    }

    private static func words(_ value: FieldValue) -> String {
        switch value {
        case .empty: "nothing"
        case .number(let value): "\(value)"
        case .text(let value): value
        case .bytes: "data"
        }
    }
}
