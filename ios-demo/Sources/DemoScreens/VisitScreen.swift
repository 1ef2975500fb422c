#if canImport(SwiftUI)
    import DemoModels
    import Fieldfare
    import Foundation
    import SwiftUI

    /// The form in which a rep records a visit.
    struct VisitScreen: View {
        @Bindable var form: VisitForm
        let position: () -> LatLng?
        @Environment(\.dismiss) private var dismiss

        var body: some View {
            NavigationStack {
                Form {
                    ProblemRow(problem: form.problem)
                    Section("How did it go?") {
                        ForEach(VisitOutcome.allCases, id: \.self) { outcome in
                            Button {
                                form.outcome = outcome
                            } label: {
                                OutcomeRow(outcome: outcome, isChosen: form.outcome == outcome)
                            }
                        }
                    }
                    Section("Note") {
                        TextField("What was said", text: $form.note, axis: .vertical).lineLimit(3...8)
                    }
                    Section {
                        Picker("Status now", selection: $form.status) {
                            ForEach(LeadStatus.allCases, id: \.self) { Text($0.title).tag($0) }
                        }
                        Toggle("Come back", isOn: $form.comesBack)
                        if let followUp = Binding($form.followUpAt) {
                            DatePicker("When", selection: followUp, in: Date()...)
                        }
                    }
                }
                .navigationTitle(form.lead.name)
                .toolbar {
                    ToolbarItem(placement: .cancellationAction) {
                        Button("Cancel") { dismiss() }
                    }
                    ToolbarItem(placement: .confirmationAction) {
                        Button("Save") { save() }.disabled(!form.canSave)
                    }
                }
            }
        }

        private func save() {
            Task {
                await form.save(at: position())
                if form.saved != nil { dismiss() }
            }
        }
    }

    private struct OutcomeRow: View {
        let outcome: VisitOutcome
        let isChosen: Bool

        var body: some View {
            HStack {
                Text(outcome.title).foregroundStyle(.primary)
                Spacer()
                if isChosen { Image(systemName: "checkmark") }
            }
            .accessibilityAddTraits(isChosen ? .isSelected : [])
        }
    }
#endif
