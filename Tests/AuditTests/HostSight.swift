import Addressing
import Audit
import Docker
import DockerSocket
import Foundation
import HostRules
import NftablesKernel
import Policy
import Reachability
import TestSupport

/// A host as `ip` and `ss` show it, and its rules as the kernel does.
enum HostSight {
    private struct Link: Decodable {
        struct Address: Decodable { var local: String? }
        var ifname: String
        var ifindex: UInt32
        var addr_info: [Address]
    }

    private struct Route: Decodable {
        var dst: String
        var dev: String?
        var type: String?
    }

    static func subject(
        _ namespace: NetworkNamespace, inventory: Inventory? = nil, policy: ResolvedPolicy? = nil
    ) throws -> Subject {
        var kernel = try KernelConnection(namespace: namespace.path)
        return Subject(
            rules: try kernel.readHost(), topology: try topology(namespace), listeners: try listeners(namespace),
            inventory: inventory, policy: policy)
    }

    private static func topology(_ namespace: NetworkNamespace) throws -> Topology {
        let links = try decode([Link].self, namespace.run("ip", "-j", "addr").orThrow())
        var forwards: Set<AddressFamily> = []
        for (family, name) in [(AddressFamily.ipv4, "ipv4"), (.ipv6, "ipv6")] {
            let text = try namespace.run("cat", "/proc/sys/net/\(name)/conf/all/forwarding").orThrow()
            if text.hasPrefix("1") { forwards.insert(family) }
        }
        var routes: [Topology.Route] = []
        for family in ["-4", "-6"] {
            for route in try decode([Route].self, namespace.run("ip", family, "-j", "route").orThrow()) {
                let text = route.dst == "default" ? (family == "-4" ? "0.0.0.0/0" : "::/0") : route.dst
                if let dev = route.dev, let subnet = try? AddressText(text) {
                    routes.append(.init(subnet, interface: dev))
                }
            }
        }
        return Topology(
            links: links.map { link in
                .init(
                    name: link.ifname, index: link.ifindex,
                    addresses: link.addr_info.compactMap { $0.local.flatMap { IPAddress($0) } }, forwards: forwards)
            }, routes: routes)
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
        json.isEmpty
            ? try JSONDecoder().decode(type, from: Data("[]".utf8))
            : try JSONDecoder().decode(type, from: Data(json.utf8))
    }

    /// `udp UNCONN 0 0 [::]:8081 [::]:* users:(("docker-proxy",pid=1,fd=4))`
    private static func listeners(_ namespace: NetworkNamespace) throws -> [Listener] {
        try namespace.run("ss", "-Hlntup").orThrow().split(separator: "\n").compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count > 4, let transport = TransportProtocol(String(words[0])),
                let colon = words[4].lastIndex(of: ":"), let port = UInt16(words[4][words[4].index(after: colon)...])
            else { return nil }
            var text = String(words[4][..<colon].filter { $0 != "[" && $0 != "]" })
            text = String(text.prefix { $0 != "%" })
            let isBoth = text == "*"
            guard let address = IPAddress(isBoth ? "::" : text) else { return nil }
            let names = words.dropFirst(6).joined().matches(of: /\("([^"]+)"/).map { String($0.1) }
            return Listener(
                transport: transport, address: address, port: port, takesBothFamilies: isBoth, processes: names)
        }
    }
}
