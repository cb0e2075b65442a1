import Addressing
import Docker
import HostRules
import NftablesKernel
import Recording
import Testing

@Suite struct `A recording` {
    private static let table = TableDump.Message(
        .table, .ip, [11, 0, 1, 0] + Array("filter\0".utf8) + [0])
    private static func recording(_ messages: [TableDump.Message] = [table]) throws -> Recording {
        Recording(
            inventory: Inventory(containers: [Docker.Container(id: "1", name: "web")]),
            interfaces: [try InterfaceName("eth0")], tables: TableDump(messages))
    }

    private static func lines() throws -> [String] {
        String(decoding: try recording().encoded(), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func problem(_ text: String) -> Recording.Malformed? {
        do throws(Recording.Malformed) {
            _ = try Recording(bytes: Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test func `is read as it was written`() throws {
        let recording = try Self.recording()
        #expect(try Recording(bytes: recording.encoded()) == recording)
        #expect(recording.tables.tables == ["ip filter"])
    }

    /// Wherever it is cut.
    @Test func `is never half of one`() throws {
        let bytes = try Self.recording().encoded()
        for count in bytes.indices {
            #expect(problem(String(decoding: bytes[..<count], as: UTF8.self)) != nil, "\(count) bytes")
        }
    }

    @Test func `that is none is said to be none, and where`() throws {
        let lines = try Self.lines()
        func with(_ index: Int, _ line: String) -> String {
            var changed = lines
            changed[index] = line
            return changed.joined(separator: "\n") + "\n"
        }
        #expect(problem("")?.line == 1)
        #expect(problem("version: 1\n")?.what.contains("this is no recording") == true)
        #expect(problem(with(0, "dockernft recording 2"))?.what.contains("another version") == true)
        #expect(problem(with(1, "interfaces eth0 a-name-that-is-too-long"))?.line == 2)
        #expect(problem(with(1, "interfaces eth0 lo"))?.line == 2)
        #expect(problem(with(1, "interfaces eth0 eth1 eth0"))?.what.contains("twice") == true)
        #expect(problem(with(1, "interfaces" + (0...8).map { " eth\($0)" }.joined()))?.line == 2)
        #expect(problem(with(2, "docker {}"))?.line == 3)
        #expect(problem(with(3, "table ip 0b0"))?.line == 4)
        #expect(problem(with(3, "table ip zz"))?.line == 4)
        #expect(problem(with(3, "table inet 0b000100"))?.line == 4)
        let long = problem(with(3, "table ip " + String(repeating: "zz", count: 49 << 10)))
        #expect(long?.what.contains("no more than \(2 * TableDump.messageLimit)") == true)
        #expect(problem(with(3, "flowtable ip 0b000100"))?.line == 4)
        #expect(problem(lines.joined(separator: "\n") + "\n" + lines[4] + "\n")?.what.contains("cut off") == true)
        #expect(throws: Recording.Malformed.self) { try Recording(bytes: [0xff, 0xfe, 0x00]) }
    }

    /// What would go to the kernel.
    @Test(
        arguments: [
            // An attribute longer than its message, one shorter than its head, and none.
            [255, 0, 1, 0, 97, 0, 0, 0], [3, 0, 1, 0], [],
            // A table of ours.
            [14, 0, 1, 0] + Array("dockernft\0".utf8) + [0, 0],
        ] as [[UInt8]])
    func `whose messages are none of Docker's is refused`(attributes: [UInt8]) throws {
        let bytes = try Self.recording([TableDump.Message(.table, .ip, attributes)]).encoded()
        let problem = try #require(throws: Recording.Malformed.self) { try Recording(bytes: bytes) }
        #expect(problem.line == 4)
    }

    /// A name may be no text, and longer than any is.
    @Test func `takes no message for longer than it is`() throws {
        let name = [UInt8](repeating: 0xff, count: 40_000)
        let head = [UInt8(40_004 & 0xff), UInt8(40_004 >> 8)]
        let elements = TableDump.Message(
            .elements, .ip, [11, 0, 1, 0] + Array("filter\0".utf8) + [0] + head + [2, 0] + name)
        let recording = try Self.recording([Self.table, elements])
        #expect(try Recording(bytes: recording.encoded()) == recording)
        var longer = elements
        longer.attributes += [UInt8](repeating: 0, count: 20_000)
        #expect(throws: Recording.Malformed.self) {
            try Recording(bytes: Self.recording([Self.table, longer]).encoded())
        }
    }

    /// Any byte may be another: it is refused, or is a recording of something else, and nothing ends the program.
    @Test func `survives whatever became of its bytes`() throws {
        let bytes = try Self.recording([Self.table, Self.rule]).encoded()
        _ = try Recording(bytes: bytes)
        var state: UInt64 = 20_261_121
        for _ in 0..<4000 {
            var changed = bytes
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                changed[Int(state >> 33) % changed.count] = Array("0123456789abcdef \n".utf8)[Int(state >> 20) % 18]
            }
            _ = try? Recording(bytes: changed)
        }
    }

    /// `meta l4proto tcp` of a chain.
    private static let rule = TableDump.Message(
        .rule, .ip,
        [11, 0, 1, 0] + Array("filter\0".utf8) + [0] + [10, 0, 2, 0] + Array("INPUT\0".utf8) + [0, 0]
            + [40, 0, 4, 0, 36, 0, 1, 0, 9, 0, 1, 0] + Array("meta\0".utf8) + [0, 0, 0]
            + [20, 0, 2, 0, 8, 0, 2, 0, 0, 0, 0, 16, 8, 0, 1, 0, 0, 0, 0, 1])
}
