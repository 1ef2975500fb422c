import Foundation

open class AVSpeechSynthesisVoice: NSObject {
    public init?(language: String?) {}
}
open class AVSpeechUtterance: NSObject {
    public var voice: AVSpeechSynthesisVoice?
    public init(string: String) {}
}
open class AVSpeechSynthesizer: NSObject {
    public func speak(_ utterance: AVSpeechUtterance) {}
}
