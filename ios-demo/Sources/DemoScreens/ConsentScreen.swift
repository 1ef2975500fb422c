#if canImport(SwiftUI)
    import DemoModels
    import SwiftUI

    /// What the rep's position may be used for, one by one.
    struct ConsentScreen: View {
        let day: Workday
        let location: any LocationSource

        var body: some View {
            let consent = day.consent
            NavigationStack {
                List {
                    ProblemRow(problem: consent.problem)
                    if !consent.isTrusted {
                        ProblemRow(
                            problem: Problem(
                                title: "The record of your decisions is damaged",
                                advice: "Nothing is allowed until this phone has synced."))
                    }
                    ForEach(consent.items) { item in
                        Section {
                            Toggle(item.title, isOn: isGranted(item))
                        } footer: {
                            Text(item.text)
                        }
                    }
                    Section {
                        LabeledContent("Shared just now", value: day.tracker.isShared ? "Yes" : "No")
                    } footer: {
                        Text(
                            "Leads near me are shown without any of these. Your position is not kept for that."
                        )
                    }
                }
                .navigationTitle("Location")
            }
            .following { await consent.follow() }
        }

        private func isGranted(_ item: ConsentModel.Item) -> Binding<Bool> {
            Binding {
                item.isGranted
            } set: { granted in
                Task { await day.set(item.purpose, granted: granted, location: location) }
            }
        }
    }
#endif
