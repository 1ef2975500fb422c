#if canImport(SwiftUI)
    import DemoModels
    import SwiftUI

    /// Asks for the code the company gave out.
    struct SignInScreen: View {
        let app: AppModel
        @State private var code = ""
        @State private var isWorking = false

        var body: some View {
            NavigationStack {
                Form {
                    Section {
                        TextField("Code", text: $code)
                            .textInputAutocapitalization(.characters)
                            .autocorrectionDisabled()
                    } footer: {
                        Text("Your company gave you a code for this phone. It works once.")
                    }
                    ProblemRow(problem: app.problem)
                    Section {
                        Button("Sign in") { signIn() }
                            .disabled(code.isEmpty || isWorking)
                    }
                }
                .navigationTitle("Fieldfare")
            }
        }

        private func signIn() {
            isWorking = true
            Task {
                await app.signIn(code: code, deviceName: "iPhone")
                isWorking = false
            }
        }
    }
#endif
