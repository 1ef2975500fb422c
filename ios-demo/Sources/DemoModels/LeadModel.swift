import Fieldfare
import Foundation
import Observation

/// One lead with its visits, and the form that changes it.
@MainActor @Observable public final class LeadModel {
    public let id: LeadId
    public private(set) var lead: Lead?
    public private(set) var visits: [Visit] = []
    public private(set) var problem: Problem?
    /// What the form holds; nil while it is not shown.
    public var form: Form?

    /// What a rep may change about a lead.
    public struct Form: Equatable, Sendable {
        public var phone = ""
        public var email = ""
        public var notes = ""
        public var status = LeadStatus.new
    }

    private let client: FieldfareClient

    public init(id: LeadId, client: FieldfareClient) {
        self.id = id
        self.client = client
    }

    /// Shows the lead as it is, until the task is cancelled or the lead is gone.
    public func follow() async {
        let id = self.id
        do {
            let answers = client.watch { client in
                Answer(lead: try await client.lead(id), visits: try await client.visits(to: id))
            }
            for try await answer in answers {
                lead = answer.lead
                visits = answer.visits
                problem = nil
            }
        } catch {
            problem = Problem.isSilent(error) ? nil : Problem(error)
        }
    }

    /// Whether the form is shown. Setting it to false forgets what was typed.
    public var isEditing: Bool {
        get { form != nil }
        set { if newValue { startEditing() } else { form = nil } }
    }

    /// Opens the form with the lead as it is.
    public func startEditing() {
        guard let lead else { return }
        form = Form(
            phone: lead.phone ?? "", email: lead.email ?? "", notes: lead.notes ?? "", status: lead.status)
    }

    /// Keeps what the form changed and closes it. Nothing is sent that the rep did not touch.
    public func save() async {
        guard let lead, let form else { return }
        let edits = form.edits(of: lead)
        do {
            if !edits.isEmpty {
                self.lead = try await client.editLead(id, edits)
            }
            self.form = nil
            problem = nil
        } catch {
            problem = Problem(error)
        }
    }

    private struct Answer: Equatable, Sendable {
        let lead: Lead
        let visits: [Visit]
    }
}

extension LeadModel.Form {
    /// The fields that differ from the lead's.
    func edits(of lead: Lead) -> [LeadEdit] {
        var edits: [LeadEdit] = []
        if phone.orNil != lead.phone { edits.append(.phone(value: phone.orNil)) }
        if email.orNil != lead.email { edits.append(.email(value: email.orNil)) }
        if notes.orNil != lead.notes { edits.append(.notes(value: notes.orNil)) }
        if status != lead.status { edits.append(.status(value: status)) }
        return edits
    }
}

extension String {
    /// Nil if there is nothing to read in it.
    var orNil: String? {
        allSatisfy(\.isWhitespace) ? nil : self
    }
}
