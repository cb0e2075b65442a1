internal import CLinux
internal import Glibc
internal import HostRules

/// A match or target of iptables inside a rule: its name, its revision, and a structure of the kernel's as bytes.
struct XtablesBlob {
    let name: String
    let revision: UInt32
    let family: HostTable.Family
    private let bytes: [UInt8]

    init(name: String, revision: UInt32?, family: HostTable.Family, _ bytes: [UInt8]?) {
        self.name = name
        self.revision = revision ?? 0
        self.family = family
        self.bytes = bytes ?? []
    }

    /// `nil` where there are fewer bytes than the structure has; the kernel sends some more to align it.
    func load<Structure>(into empty: Structure) -> Structure? {
        guard bytes.count >= MemoryLayout<Structure>.size else { return nil }
        var structure = empty
        // SAFETY: so many bytes are there, and the structures asked for are C's, of integers alone or with a pointer that nobody
        // follows: any bytes are valid.
        unsafe withUnsafeMutableBytes(of: &structure) { unsafe $0.copyBytes(from: bytes.prefix($0.count)) }
        return structure
    }

    /// The bytes of one field of a structure that was loaded.
    func bytes<Structure, Value>(of field: KeyPath<Structure, Value>) -> [UInt8] {
        guard let offset = MemoryLayout<Structure>.offset(of: field) else { return [] }
        return Array(bytes.dropFirst(offset).prefix(MemoryLayout<Value>.size))
    }

    /// Those of an address of the rule's family; `nil` in tables of both families, or of none.
    func address<Structure>(_ field: KeyPath<Structure, nf_inet_addr>) -> [UInt8]? {
        switch family {
        case .ip: Array(bytes(of: field).prefix(4))
        case .ip6: bytes(of: field)
        case .inet, .arp, .netdev, .bridge: nil
        }
    }

    /// All of it as text.
    // SAFETY: any bytes are valid bytes.
    var text: String { unsafe bytes.span.bytes.text() }
}

/// `nil` where it is upside down.
func portRange(_ low: UInt16, _ high: UInt16) -> ClosedRange<UInt16>? { low <= high ? low...high : nil }
