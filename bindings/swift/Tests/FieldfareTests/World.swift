import Foundation

/// A server and a CRM in a process of their own; see `fieldfare-world` in the repository's tests.
final class World {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var buffered = Data()

    /// Where phones find the server.
    private(set) var url = ""

    init() throws {
        guard let path = ProcessInfo.processInfo.environment["FIELDFARE_WORLD"] else {
            throw WorldError(text: "set FIELDFARE_WORLD")
        }
        process.executableURL = URL(fileURLWithPath: path)
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        url = try read()["url"] as? String ?? ""
    }

    func code(for rep: String) throws -> String {
        try ask(["do": "code", "rep": rep])["code"] as? String ?? ""
    }

    func stopServer() throws { try ask(["do": "stop_server"]) }

    func startServer() throws { try ask(["do": "start_server"]) }

    func edit(company: String, property: String, value: String) throws {
        try ask(["do": "edit", "company": company, "properties": [property: value]])
    }

    func delete(company: String) throws { try ask(["do": "delete", "company": company]) }

    func revoke(device: String) throws { try ask(["do": "revoke", "device": device]) }

    /// A town full of leads for Ada.
    func plantTown(leads: Int) throws { try ask(["do": "plant_town", "leads": leads]) }

    func catchUp() throws { try ask(["do": "catch_up"]) }

    /// A company of the CRM with its tasks and notes, as text.
    func company(_ company: String) throws -> String {
        "\(try ask(["do": "company", "company": company]))"
    }

    func end() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    @discardableResult
    private func ask(_ command: [String: Any]) throws -> [String: Any] {
        let line = try JSONSerialization.data(withJSONObject: command) + Data("\n".utf8)
        try input.fileHandleForWriting.write(contentsOf: line)
        return try read()
    }

    private func read() throws -> [String: Any] {
        while true {
            if let end = buffered.firstIndex(of: UInt8(ascii: "\n")) {
                let line = buffered[..<end]
                buffered = Data(buffered[buffered.index(after: end)...])
                let answer = try JSONSerialization.jsonObject(with: line) as? [String: Any] ?? [:]
                if let error = answer["error"] { throw WorldError(text: "\(error)") }
                return answer
            }
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw WorldError(text: "the world ended") }
            buffered += more
        }
    }
}

struct WorldError: Error {
    let text: String
}
