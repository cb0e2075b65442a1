import Diagnostics
import Foundation
import Policy
import Presentation
import Testing

/// Numbers that are the same on every run, so that a failure can be looked at again.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

@Suite("Garbled bytes")
struct MutationTests {
    private static let tokens = [
        "[", "]", "{", "}", ":", ": ", ",", "- ", "\n", "\r", "\t", " ", "\"", "'", "&a ", "*a", "!!int ", "<<: ", "? ",
        "| ",
        "> ", "#", "%", "@", "---\n", "...\n", "\u{0}", "\u{feff}", "é", "😀", "\u{2028}", "\u{85}", "::/0", "/33", "-",
        "0",
        "99999999999999999999", "anyone", "nobody", "office", "partners.txt", "include: policy.yaml\n", "any", "~",
        "\\", "\u{1b}[2J",
    ]

    @Test("are never a reason to crash, to hang, or to keep silent", arguments: 0..<16)
    func mutations(seed: Int) throws {
        var random = SplitMix64(state: UInt64(seed))
        var bases = [Array(LoadedPolicyTests.example.utf8)]
        for golden in try Golden.all() {
            if case .success(let bytes) = try golden.files().read("policy.yaml", 4096) { bases.append(bytes) }
        }
        // A longer hunt is a matter of patience: DOCKERNFT_MUTATIONS=10000
        let rounds = ProcessInfo.processInfo.environment["DOCKERNFT_MUTATIONS"].flatMap { Int($0) } ?? 120
        for _ in 0..<rounds {
            let base = bases.randomElement(using: &random) ?? []
            let bytes = mutated(base, &random)
            let list = mutated(Array(LoadedPolicyTests.partners.utf8), &random)
            examine(
                ResolvedPolicy.load(
                    path: "policy.yaml", files: .inMemory(["policy.yaml": bytes, "partners.txt": list])))
        }
    }

    @Test("cut off after any byte are a policy or have an error")
    func truncations() {
        let bytes = Array(LoadedPolicyTests.example.utf8)
        for count in bytes.indices {
            examine(ResolvedPolicy.load(path: "p", files: .inMemory(["p": Array(bytes[..<count])])))
        }
    }

    private func examine(_ loaded: LoadedPolicy) {
        #expect((loaded.policy == nil) == loaded.diagnostics.hasErrors)
        for diagnostic in loaded.diagnostics {
            #expect(diagnostic.span.start <= diagnostic.span.end)
            #expect(diagnostic.span.start >= Position(line: 1, column: 1))
        }
        for style in DiagnosticText.Style.allCases {
            let text = DiagnosticText(style).render(loaded.diagnostics, sources: loaded.sources)
            #expect(!text.unicodeScalars.contains { $0.isControl && $0 != "\n" }, "would reach a terminal")
        }
        #expect(!DiagnosticJSON.render(loaded.diagnostics).isEmpty)
    }

    private func mutated(_ base: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        var bytes = base
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes.removeSubrange(place...)
            case 1: bytes.insert(contentsOf: Array((Self.tokens.randomElement(using: &random) ?? "").utf8), at: place)
            case 2 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0...20, using: &random)))
            case 4:
                let end = min(bytes.count, place + Int.random(in: 0...60, using: &random))
                bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
            default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
            }
        }
        return bytes
    }
}
