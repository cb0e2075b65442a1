import Foundation
import Glibc
import HostRules
import NftablesKernel
import Testing

@Suite(.needsRoot) struct HostNetworkTests {
    @Test func `Links are read with their addresses, kinds, masters and parents`() throws {
        let namespace = try ScratchNamespace()
        for command in [
            "link add ext0 type veth peer name ext1", "link add br-x type bridge", "link set ext1 master br-x",
            "link add link ext0 name mv0 type macvlan mode bridge", "address add 192.0.2.1/24 dev ext0",
            "address add 2001:db8::1/64 dev ext0 nodad", "link set ext0 up",
        ] {
            try namespace.run("ip \(command)")
        }
        try namespace.run("sh -c 'echo 1 >/proc/sys/net/ipv4/conf/ext0/route_localnet'")
        try namespace.run("sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'")
        let network = try HostNetwork.read(namespace: namespace.path)
        let links = Dictionary(network.interfaces.map { ($0.name, $0) }) { first, _ in first }
        let ext0 = try #require(links["ext0"])
        let bridge = try #require(links["br-x"])
        #expect(Set(links.keys) == ["lo", "ext0", "ext1", "br-x", "mv0"])
        #expect(ext0.kind == "veth" && ext0.isUp && ext0.routesLoopback)
        #expect(bridge.kind == "bridge" && !bridge.isUp && !bridge.routesLoopback)
        #expect(links["ext1"]?.master == bridge.index)
        #expect(links["mv0"]?.kind == "macvlan")
        #expect(links["mv0"]?.parent == ext0.index)
        #expect(links["mv0"]?.parentIsElsewhere == false)
        #expect(bridge.parent == nil)
        #expect(
            ext0.addresses.contains(.init(bytes: [192, 0, 2, 1], prefixLength: 24))
                && ext0.addresses.contains(
                    .init(bytes: [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], prefixLength: 64))
        )
        #expect(!network.forwards4 && network.forwards6 && ext0.forwards6 && !ext0.forwards4)
        #expect(
            network.routes.contains(
                HostRoute(destination: [192, 0, 2, 0], prefixLength: 24, type: 1, table: 254, interface: ext0.index)))
        #expect(
            network.routes.contains(
                HostRoute(destination: [192, 0, 2, 1], prefixLength: 32, type: 2, table: 255, interface: ext0.index)))
    }

    @Test func `A macvlan's parent in another namespace is not taken for a link of this one`() throws {
        let outer = try ScratchNamespace()
        let inner = try ScratchNamespace()
        try outer.run("ip link add ext0 type veth peer name ext1")
        try outer.run("ip link add link ext0 name mv0 type macvlan mode bridge")
        try outer.run("ip link set mv0 netns \(inner.name)")
        let link = try #require(try HostNetwork.read(namespace: inner.path).interfaces.first { $0.name == "mv0" })
        #expect(link.parentIsElsewhere && link.parent != nil)
    }

    @Test func `Sockets that wait for anybody are read, and who holds them`() async throws {
        let namespace = try ScratchNamespace()
        try namespace.run("ip link set lo up")
        let script = """
            import socket, sys
            def listen(family, kind, address, only=None):
                s = socket.socket(family, kind)
                if only is not None: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
                s.bind(address)
                if kind == socket.SOCK_STREAM: s.listen()
                return s
            kept = [listen(socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', 8001)),
                listen(socket.AF_INET6, socket.SOCK_STREAM, ('::', 8002), 1),
                listen(socket.AF_INET6, socket.SOCK_STREAM, ('::', 8003), 0),
                listen(socket.AF_INET, socket.SOCK_DGRAM, ('0.0.0.0', 8004))]
            connected = listen(socket.AF_INET, socket.SOCK_DGRAM, ('127.0.0.1', 8005))
            connected.connect(('127.0.0.1', 8004))
            print('ready', flush=True)
            sys.stdin.read()
            """
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "exec ip netns exec \(namespace.name) python3 -c \"$0\"", script]
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        defer {
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
        }
        #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).hasPrefix("ready"))
        let listeners = try HostNetwork.read(namespace: namespace.path).listeners.sorted { $0.port < $1.port }
        #expect(listeners.map(\.port) == [8001, 8002, 8003, 8004])
        #expect(listeners.map(\.transport) == [.tcp, .tcp, .tcp, .udp])
        #expect(listeners.map(\.takesBothFamilies) == [false, false, true, false])
        #expect(listeners[0].address == [127, 0, 0, 1])
        #expect(listeners[3].address == [0, 0, 0, 0])
        #expect(listeners.allSatisfy { $0.inode != 0 && $0.user == 0 })
        let owners = SocketOwners(of: listeners)
        for listener in listeners {
            #expect(owners.names(of: listener).count == 1)
            #expect(owners.names(of: listener).allSatisfy { $0.hasPrefix("python3") })
        }
    }

    @Test func `A namespace that is not there is an error`() {
        #expect(throws: NetlinkError.self) { try HostNetwork.read(namespace: "/run/netns/dnft-none") }
    }
}
