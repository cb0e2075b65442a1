public import Addressing
public import Docker
public import NftablesKernel

/// What a policy meets on a host, as it was at one moment: to try policies elsewhere, or later, with the same.
public struct Recording: Hashable, Sendable {
    public var inventory: Inventory
    /// By which it is reached.
    public var interfaces: [InterfaceName]
    /// In which Docker has its rules.
    public var tables: TableDump

    /// No more interfaces are written down, or read.
    public static let interfaceLimit = 8

    public init(inventory: Inventory, interfaces: [InterfaceName], tables: TableDump) {
        self.inventory = inventory
        // It ends with Docker's process, and nothing is tried by it.
        self.inventory.proxyGroup = nil
        self.interfaces = interfaces
        self.tables = tables
    }

    /// Why a file is no recording: what is wrong, and at which line.
    public struct Malformed: Error, Hashable, Sendable {
        public var line: Int
        public var what: String
    }
}
