/// What `apply` was last asked to keep in force in a network namespace: the texts of the policy, whole, so that whoever puts it
/// back later reads no file that is being edited.
public struct KeptPolicy: Sendable, Hashable {
    public enum Wish: Sendable, Hashable {
        case inForce(Texts)
        /// By `remove`: nobody is to put anything back.
        case removed
    }

    public struct Texts: Sendable, Hashable {
        /// From which the others were read.
        public var path: String
        /// Every file that was read, by the name that it was asked for.
        public var files: [String: [UInt8]]
        /// Of the ruleset that was made of them.
        public var digest: String

        public init(path: String, files: [String: [UInt8]], digest: String) {
            self.path = path
            self.files = files
            self.digest = digest
        }
    }

    public var boot: String
    public var namespace: UInt64
    public var wish: Wish

    public init(boot: String, namespace: UInt64, wish: Wish) {
        self.boot = boot
        self.namespace = namespace
        self.wish = wish
    }
}

extension KeptPolicy {
    /// What it begins with; the number changes with the form.
    private static let signature = Array("dockernft policy 1\n".utf8)

    /// Everything in one fixed order, numbers in network order, texts behind their length.
    func encoded() -> [UInt8] {
        var bytes = Self.signature
        bytes.append(text: boot)
        bytes.append(number: namespace)
        switch wish {
        case .removed: bytes.append(0)
        case .inForce(let texts):
            bytes.append(1)
            bytes.append(texts)
        }
        bytes.append(number: AppliedRecord.checksum(bytes[...]))
        return bytes
    }

    /// Nil for anything but what `encoded` has written, whole.
    init?(bytes: [UInt8]) {
        guard var reader = RecordReader(bytes, behind: Self.signature), let boot = reader.text(),
            let namespace = reader.number(UInt64.self), let wish = Self.wish(&reader),
            reader.isAtEnd
        else { return nil }
        self.init(boot: boot, namespace: namespace, wish: wish)
    }

    private static func wish(_ reader: inout RecordReader) -> Wish? {
        switch reader.number(UInt8.self) {
        case 0: return .removed
        case 1: break
        case _: return nil
        }
        return reader.texts().map { .inForce($0) }
    }
}

extension [UInt8] {
    mutating func append(_ texts: KeptPolicy.Texts) {
        // At once, with room for what goes before and after: to grow takes up three times a large list.
        let size = texts.files.reduce(512) { $0 + $1.key.utf8.count + $1.value.count + 16 }
        reserveCapacity(count + texts.path.utf8.count + texts.digest.utf8.count + size)
        append(text: texts.path)
        append(text: texts.digest)
        append(number: UInt32(texts.files.count))
        for (name, contents) in texts.files.sorted(by: { $0.key < $1.key }) {
            append(text: name)
            append(number: UInt64(contents.count))
            self += contents
        }
    }
}

extension RecordReader {
    mutating func texts() -> KeptPolicy.Texts? {
        guard let path = text(), let digest = text(), let count = number(UInt32.self) else { return nil }
        var files: [String: [UInt8]] = [:]
        for _ in 0..<count {
            guard let name = text(), let contents = contents() else { return nil }
            files[name] = contents
        }
        return KeptPolicy.Texts(path: path, files: files, digest: digest)
    }
}
