import Addressing
import Foundation
import Reachability

@testable import TestSupport

extension Topology {
    /// As iproute2 and /proc tell of a namespace.
    init(of namespace: NetworkNamespace) throws {
        struct Address: Decodable {
            var local: String?
        }
        struct Interface: Decodable {
            var ifname: String
            var ifindex: UInt32
            var addr_info: [Address]
        }
        struct Path: Decodable {
            var dst: String
            var dev: String?
        }
        func read<Value: Decodable>(_ type: Value.Type, _ arguments: String...) throws -> Value {
            let text = try namespace.run(Program(["ip", "-j"] + arguments)).orThrow()
            return try JSONDecoder().decode(type, from: Foundation.Data(text.utf8))
        }
        func setting(_ key: String) throws -> String {
            try namespace.enter { try String(contentsOfFile: "/proc/sys/net/\(key)", encoding: .utf8) }
        }
        let links = try read([Interface].self, "addr").map { interface in
            var forwards: Set<AddressFamily> = []
            if try setting("ipv4/conf/\(interface.ifname)/forwarding") != "0\n" { forwards.insert(.ipv4) }
            if try setting("ipv6/conf/all/forwarding") != "0\n" { forwards.insert(.ipv6) }
            return Link(
                name: interface.ifname, index: interface.ifindex,
                addresses: interface.addr_info.compactMap { $0.local.flatMap(IPAddress.init) }, forwards: forwards,
                routesLoopback: try setting("ipv4/conf/\(interface.ifname)/route_localnet") != "0\n")
        }
        let routes = try (read([Path].self, "-4", "route") + read([Path].self, "-6", "route")).compactMap { path in
            let subnet = path.dst == "default" ? nil : try AddressText(path.dst)
            return path.dev.flatMap { dev in subnet.map { Route($0, interface: dev) } }
        }
        self.init(links: links, routes: routes)
    }
}
