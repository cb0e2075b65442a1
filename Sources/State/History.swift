public import Files

/// The policies that were applied last, whole, each in a file of its own in a directory that outlives a reboot.
public struct History: Sendable {
    public static let standard = "/var/lib/dockernft"
    /// So many are kept.
    public static let capacity = 10

    public struct Entry: Sendable, Hashable {
        /// One more than that of the entry before it. No two entries ever have the same.
        public var number: UInt64
        /// Seconds since 1970-01-01 00:00 UTC, when it was applied last.
        public var appliedAt: Int64
        public var texts: KeptPolicy.Texts
    }

    /// The entries that there are, the newest first, and the names of files that are none.
    public struct Listing: Sendable, Hashable {
        public var entries: [Entry] = []
        public var foreign: [String] = []
    }

    public var path: String

    public init(path: String) { self.path = path }

    private static let suffix = ".policy"

    private func file(_ number: UInt64) -> String { "\(path)/\(number)\(Self.suffix)" }

    /// No host gets there by applying, and JSON can say it exactly. Whoever names a file so shall not be counted on from.
    private static let largest: UInt64 = 1 << 53

    private static func number(_ name: String) -> UInt64? {
        guard name.hasSuffix(suffix), let number = UInt64(name.dropLast(suffix.count)), name == "\(number)\(suffix)",
            number <= largest
        else { return nil }
        return number
    }

    /// Nothing where there is no such directory.
    public func read() throws(File.Failure) -> Listing {
        var listing = Listing()
        for name in try names() {
            if let entry = entry(name) { listing.entries.append(entry) } else { listing.foreign.append(name) }
        }
        listing.entries.sort { $0.number > $1.number }
        listing.foreign.sort()
        return listing
    }

    /// Directories in it are for other network namespaces, and what begins with a dot is none of ours.
    private func names() throws(File.Failure) -> [String] {
        do throws(File.Failure) {
            return try File.names(in: path).filter { !$0.hasPrefix(".") && !$0.hasPrefix(Self.namespacePrefix) }
        } catch {
            guard error.kind == .missing else { throw error }
            return []
        }
    }

    private static let namespacePrefix = "namespace-"

    /// That of another network namespace than the caller's, named as the user names it.
    public func namespace(_ name: String) -> Self {
        Self(path: "\(path)/\(Self.namespacePrefix)\(name.split(separator: "/").joined(separator: "%"))")
    }

    private func entry(_ name: String) -> Entry? {
        guard let number = Self.number(name), let bytes = try? File.read("\(path)/\(name)"),
            let entry = Entry(bytes: bytes), entry.number == number
        else { return nil }
        return entry
    }

    /// Makes it the newest. One that is the newest already is only given the new time. The oldest ones go.
    public func keep(_ texts: KeptPolicy.Texts, at time: Int64) throws(File.Failure) {
        try File.makeDirectory(path)
        let numbers = try names().compactMap(Self.number).filter { $0 < Self.largest }.sorted()
        var number = (numbers.last ?? 0) + 1
        if let last = numbers.last, let newest = entry("\(last)\(Self.suffix)"), newest.texts.isSame(as: texts) {
            number = last
        }
        try File.replace(file(number), with: Entry(number: number, appliedAt: time, texts: texts).encoded())
        for old in numbers.filter({ $0 != number }).dropLast(Self.capacity - 1) { File.remove(file(old)) }
    }
}

extension KeptPolicy.Texts {
    /// Whatever became of them: that depends on what Docker ran.
    public func isSame(as other: Self) -> Bool { path == other.path && files == other.files }
}

extension History.Entry {
    /// What it begins with; the number changes with the form.
    private static let signature = Array("dockernft history 1\n".utf8)

    func encoded() -> [UInt8] {
        var bytes = Self.signature
        bytes.append(number: number)
        bytes.append(number: appliedAt)
        bytes.append(texts)
        bytes.append(number: AppliedRecord.checksum(bytes[...]))
        return bytes
    }

    /// Nil for anything but what `encoded` has written, whole.
    init?(bytes: [UInt8]) {
        guard var reader = RecordReader(bytes, behind: Self.signature), let number = reader.number(UInt64.self),
            let appliedAt = reader.number(Int64.self),
            let texts = reader.texts(), reader.isAtEnd
        else { return nil }
        self.init(number: number, appliedAt: appliedAt, texts: texts)
    }
}
