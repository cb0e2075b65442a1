internal import Addressing
internal import Docker
internal import HostRules
internal import NftablesKernel

/// Lines of text, so that what is wrong with one can be shown:
/// ```
/// dockernft recording 1
/// interfaces eth0 eth1
/// docker {"containers":…}
/// table ip 0b0001006e617400…
/// chain ip …
/// end 57
/// ```
/// The last says how many came before it. Of messages of netlink each byte is two digits.
extension Recording {
    private static let signature = "dockernft recording 1"

    public func encoded() -> [UInt8] {
        var lines = [Self.signature, (["interfaces"] + interfaces.map(\.description)).joined(separator: " ")]
        lines.append("docker " + String(decoding: inventory.encoded(), as: UTF8.self))
        lines += tables.messages.map { "\($0.part.rawValue) \($0.family.word) \($0.attributes.hexadecimal)" }
        lines.append("end \(lines.count)")
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// Reads what `encoded` wrote, and nothing else.
    public init(bytes: [UInt8]) throws(Malformed) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Malformed(line: 1, what: "this is no text, and no recording")
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
        try Self.checkBeginning(lines.first ?? "")
        if lines.last == "" { lines.removeLast() }
        guard text.hasSuffix("\n"), lines.last == "end \(lines.count - 1)" else {
            throw Malformed(
                line: lines.count,
                what: "the recording is cut off here: its last line, “end”, is missing or counts others")
        }
        guard lines.count >= 4, let names = lines[1].contents(of: "interfaces") else {
            throw Malformed(line: 2, what: "“interfaces” and their names are expected")
        }
        guard let kept = lines[2].contents(of: "docker"), let inventory = Inventory(bytes: Array(kept.utf8)) else {
            throw Malformed(
                line: 3, what: "“docker” is expected, and what it runs, as this version of dockernft writes it")
        }
        var interfaces: [InterfaceName] = []
        for name in names.split(separator: " ") {
            guard let name = try? InterfaceName(String(name)), !name.isWildcard, name.stem != "lo" else {
                throw Malformed(line: 2, what: "a name is expected that an interface of a wire can have")
            }
            if interfaces.contains(name) { throw Malformed(line: 2, what: "the interface \(name) stands there twice") }
            guard interfaces.count < Self.interfaceLimit else {
                throw Malformed(line: 2, what: "no more than \(Self.interfaceLimit) interfaces are expected")
            }
            interfaces.append(name)
        }
        var messages: [TableDump.Message] = []
        for (number, line) in lines[3..<lines.count - 1].enumerated() {
            messages.append(try Self.message(line, number + 4))
        }
        self.init(inventory: inventory, interfaces: interfaces, tables: TableDump(messages))
        do throws(TableDump.Malformed) { _ = try ForeignRules(tables) } catch {
            throw Malformed(line: error.place + 4, what: "this message of netlink is not understood: \(error.what)")
        }
    }

    private static func checkBeginning(_ line: Substring) throws(Malformed) {
        if line == signature { return }
        guard line.hasPrefix("dockernft recording ") else {
            throw Malformed(line: 1, what: "“\(signature)” is expected: this is no recording")
        }
        throw Malformed(
            line: 1, what: "“\(signature)” is expected: this is a recording of another version of dockernft")
    }

    private static func message(_ line: Substring, _ number: Int) throws(Malformed) -> TableDump.Message {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, let part = TableDump.Part(rawValue: String(words[0])),
            let family = [HostTable.Family.ip, .ip6].first(where: { $0.word == words[1] }),
            words[2].utf8.count <= 2 * TableDump.messageLimit, let attributes = [UInt8](hexadecimal: words[2])
        else {
            throw Malformed(
                line: number,
                what:
                    "a part of a table is expected, “ip” or “ip6”, and the digits of the kernel's message about it, no more than \(2 * TableDump.messageLimit)"
            )
        }
        return TableDump.Message(part, family, attributes)
    }
}

extension Substring {
    /// Of a line that begins with the word.
    fileprivate func contents(of word: String) -> Substring? {
        if self == word { return "" }
        return hasPrefix(word + " ") ? dropFirst(word.count + 1) : nil
    }
}

extension [UInt8] {
    private static let digits = Array("0123456789abcdef".utf8)

    fileprivate var hexadecimal: String {
        var text: [UInt8] = []
        text.reserveCapacity(2 * count)
        for byte in self {
            text.append(Self.digits[Int(byte >> 4)])
            text.append(Self.digits[Int(byte & 0x0f)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil for anything but pairs of digits.
    fileprivate init?(hexadecimal text: Substring) {
        let digits = text.utf8.map { digit in Self.digits.firstIndex(of: digit) }
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        self = bytes
    }
}
