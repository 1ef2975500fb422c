#if canImport(AVFoundation)
    import AVFoundation
    import DemoModels

    /// The phone's own voice.
    @MainActor public final class PhoneVoice: Speaker {
        private let synthesizer = AVSpeechSynthesizer()

        public init() {}

        public func say(_ text: String, language: String) async {
            let utterance = AVSpeechUtterance(string: text)
            utterance.voice = AVSpeechSynthesisVoice(language: language)
            synthesizer.speak(utterance)
        }
    }
#endif
