internal import Addressing
internal import Compiler
internal import Diagnostics
internal import Nftables
internal import NftablesFormats
internal import NftablesKernel
internal import Policy
internal import Presentation
internal import Reconcile
@testable internal import State

/// A first byte that no UTF-8 begins with chooses who reads the rest; all else is a policy, and behind 0xff the files that it names.
@_cdecl("LLVMFuzzerTestOneInput")
public func readInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer lends `count` bytes at `start` for this call; they are copied.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let rest = Array(input.dropFirst())
    switch input.first {
    case 0xf8: readList(rest)
    case 0xf9: readAddress(rest)
    case 0xfa: readRecord(rest)
    case 0xfb: readSavedRules(rest)
    default: readPolicy(input.split(separator: 0xff, omittingEmptySubsequences: false).map(Array.init))
    }
    return 0
}

/// The first part is the policy. Whatever else is asked for is one of the others, and so a policy may come to include itself.
private func readPolicy(_ parts: [[UInt8]]) {
    let files = SourceFiles { path, _ in
        if path == "policy.yaml" { return .success(parts[0]) }
        guard parts.count > 1, let last = path.utf8.last else { return .failure(.missing) }
        return .success(parts[1 + Int(last) % (parts.count - 1)])
    }
    examine(ResolvedPolicy.load(path: "policy.yaml", files: files))
}

private func readList(_ bytes: [UInt8]) {
    let policy = Array("version: 1\ngroups: { l: { file: l } }\nservices: { a: { publish: 80, allow: l } }".utf8)
    examine(ResolvedPolicy.load(path: "p", files: .inMemory(["p": policy, "l": bytes])))
}

private func examine(_ loaded: LoadedPolicy) {
    precondition(
        (loaded.policy == nil) == loaded.diagnostics.hasErrors, "refused in silence, or in force with an error")
    for diagnostic in loaded.diagnostics {
        precondition(diagnostic.span.start <= diagnostic.span.end, "a span that is backwards")
        precondition(diagnostic.span.start >= Position(line: 1, column: 1), "a span before the text")
    }
    for style in DiagnosticText.Style.allCases {
        let text = DiagnosticText(style).render(loaded.diagnostics, sources: loaded.sources)
        precondition(!text.utf8.contains { $0 < 0x20 && $0 != 0x0a || $0 == 0x7f }, "would reach a terminal")
    }
    _ = DiagnosticJSON.render(loaded.diagnostics)
    guard let policy = loaded.policy else { return }
    let ruleset = Compiler.compile(policy)
    precondition(NftJSON.text(ruleset).isEmpty == NftText.text(ruleset).isEmpty, "one form is empty")
    _ = IptablesText(ruleset)
    let linear = ruleset.linearized()
    precondition(Difference(from: linear, to: linear).isEmpty, "a table differs from itself")
    let changes = Difference(from: nil, to: linear).changes
    do {
        _ = try Batch(Transaction(table: Compiler.tableName, changes: changes)).finalize().byteCount
    } catch {
        preconditionFailure("a policy that is accepted has no messages: \(error)")
    }
}

private func readAddress(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    _ = IPAddress(text).map { precondition(IPAddress("\($0)") == $0, "an address is not what it prints as") }
    guard let address = try? AddressText(text) else { return }
    switch address {
    case .v4(let range): precondition(range.lowerBound <= range.upperBound)
    case .v6(let range): precondition(range.lowerBound <= range.upperBound)
    }
}

private func readRecord(_ bytes: [UInt8]) {
    // No chance finds the checksum: it is put behind what it is of.
    guard let record = AppliedRecord(bytes: bytes + AppliedRecord.checksum(bytes[...]).networkOrder) else { return }
    precondition(AppliedRecord(bytes: record.encoded()) == record, "a record is not what it is written as")
}

private func readSavedRules(_ bytes: [UInt8]) {
    let present = IptablesPresence(saved: String(decoding: bytes, as: UTF8.self))
    let empty = Ruleset(table: Table(name: "t"))
    _ = IptablesText(empty, replacing: (ipv4: present, ipv6: present))
}
