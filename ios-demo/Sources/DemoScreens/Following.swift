#if canImport(SwiftUI)
    import DemoModels
    import SwiftUI

    extension View {
        /// Runs `follow` while the view is shown and the app is in front, anew whenever `question` changes.
        func following<Question: Equatable>(
            _ question: Question, _ follow: @escaping @MainActor () async -> Void
        ) -> some View {
            modifier(Following(question: question, follow: follow))
        }

        /// Runs `follow` while the view is shown and the app is in front.
        func following(_ follow: @escaping @MainActor () async -> Void) -> some View {
            following(true, follow)
        }
    }

    private struct Following<Question: Equatable>: ViewModifier {
        @Environment(\.scenePhase) private var scenePhase
        let question: Question
        let follow: @MainActor () async -> Void

        func body(content: Content) -> some View {
            let isInFront = scenePhase == .active
            content.task(id: Key(isInFront: isInFront, question: question)) {
                if isInFront { await follow() }
            }
        }

        private struct Key: Equatable {
            let isInFront: Bool
            let question: Question
        }
    }

    /// A problem, in a list or a form.
    struct ProblemRow: View {
        let problem: Problem?

        var body: some View {
            if let problem {
                VStack(alignment: .leading, spacing: 4) {
                    Label(problem.title, systemImage: "exclamationmark.triangle")
                        .foregroundStyle(.orange)
                    Text(problem.advice)
                        .font(.footnote)
                        .foregroundStyle(.secondary)
                }
            }
        }
    }
#endif
