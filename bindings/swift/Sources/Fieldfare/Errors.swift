import Foundation

extension FieldfareError: LocalizedError {
    /// What to do, in one English sentence.
    public var errorDescription: String? { explanation() }
}
