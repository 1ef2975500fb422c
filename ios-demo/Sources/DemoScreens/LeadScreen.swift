#if canImport(SwiftUI)
    import DemoModels
    import Fieldfare
    import SwiftUI

    /// A lead with its visits.
    struct LeadScreen: View {
        @State var model: LeadModel
        let day: Workday
        @State private var visit: VisitForm?

        var body: some View {
            List {
                ProblemRow(problem: model.problem)
                if let lead = model.lead {
                    LeadFacts(lead: lead)
                    Section("Visits") {
                        ForEach(model.visits, id: \.id) { VisitRow(visit: $0) }
                        if model.visits.isEmpty {
                            Text("None yet").foregroundStyle(.secondary)
                        }
                    }
                }
            }
            .navigationTitle(model.lead?.name ?? "")
            .toolbar {
                Button("Edit") { model.startEditing() }
                    .disabled(model.lead == nil)
                Button("Visit", systemImage: "checkmark.circle") { startVisit() }
                    .disabled(model.lead == nil)
            }
            .sheet(item: $visit) { VisitScreen(form: $0, position: { day.tracker.position }) }
            .sheet(isPresented: $model.isEditing) { LeadEditScreen(model: model) }
            .following { await model.follow() }
        }

        private func startVisit() {
            guard let lead = model.lead else { return }
            visit = day.visit(LeadRow(lead))
        }
    }

    private struct LeadFacts: View {
        let lead: Lead

        var body: some View {
            Section {
                LabeledContent("Status", value: lead.status.title)
                if let tier = lead.tier { LabeledContent("Tier", value: "\(tier)") }
                if !lead.address.line.isEmpty { LabeledContent("Address", value: lead.address.line) }
                if let phone = lead.phone { LabeledContent("Phone", value: phone) }
                if let email = lead.email { LabeledContent("Email", value: email) }
                if let due = lead.nextVisitDue {
                    LabeledContent("Next visit") { Text(due, style: .date) }
                }
            } footer: {
                if lead.isPending { Text("Changes wait to be sent.") }
            }
            if let notes = lead.notes {
                Section("Notes") { Text(notes) }
            }
        }
    }

    private struct VisitRow: View {
        let visit: Visit

        var body: some View {
            VStack(alignment: .leading) {
                HStack {
                    Text(visit.outcome.title)
                    Spacer()
                    Text(visit.startedAt, style: .date).foregroundStyle(.secondary)
                }
                if let note = visit.note {
                    Text(note).font(.footnote).foregroundStyle(.secondary)
                }
            }
        }
    }

    /// What a rep may change about a lead.
    private struct LeadEditScreen: View {
        @Bindable var model: LeadModel

        var body: some View {
            NavigationStack {
                if let form = Binding($model.form) {
                    Form {
                        ProblemRow(problem: model.problem)
                        Picker("Status", selection: form.status) {
                            ForEach(LeadStatus.allCases, id: \.self) { Text($0.title).tag($0) }
                        }
                        TextField("Phone", text: form.phone).keyboardType(.phonePad)
                        TextField("Email", text: form.email).keyboardType(.emailAddress)
                        Section("Notes") {
                            TextField("Notes", text: form.notes, axis: .vertical).lineLimit(3...8)
                        }
                    }
                    .navigationTitle("Edit")
                    .toolbar {
                        ToolbarItem(placement: .cancellationAction) {
                            Button("Cancel") { model.form = nil }
                        }
                        ToolbarItem(placement: .confirmationAction) {
                            Button("Save") { Task { await model.save() } }
                        }
                    }
                }
            }
        }
    }
#endif
