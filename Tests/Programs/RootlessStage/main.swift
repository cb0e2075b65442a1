// What a command does that rehearses without root: the user namespace first, a stage, a ruleset by the real path, packets.
import Addressing
import Glibc
import Nftables
import NftablesKernel
import Rehearsal

func addresses(_ texts: String...) -> [IPAddress] { texts.compactMap { IPAddress($0) } }

let hosts = addresses("192.0.2.1", "2001:db8:1::1")
let containers = addresses("172.28.0.2", "2001:db8:7::2")
let clients = addresses("203.0.113.77", "2001:db8:cafe::77")
let gateways = addresses("172.28.0.1", "2001:db8:7::1")

let setting = StageSetting(
    interfaces: [.init("ext0", hosts)],
    bridges: [.init("docker0", zip(gateways, [16, 64]).map { .init(gateway: $0, prefixLength: $1) })],
    containers: [.init(on: "docker0", containers)],
    listeners: [PortRange(.tcp, 443...443), PortRange(.udp, 443...443)])

let shots = zip(clients, zip(hosts, containers)).flatMap { client, targets in
    [Shot.Kind.tcp, .udp].flatMap { kind in
        [targets.0, targets.1].map { Shot(kind, from: client, to: $0, port: 443, by: .interface("ext0")) }
    }
}

/// To the machine, nothing; through it, everything.
let closed = Ruleset(
    table: Table(name: "dockernft"),
    chains: [Chain(name: "input", base: BaseChain(hook: .input, priority: 0, policy: .drop), rules: [])]
).linearized()

do {
    try UserNamespace.enter()
    let stage = try Stage(setting)
    print("user \(getuid()): \(Set(try stage.fates(of: shots)).count) answerers")
    var connection = try KernelConnection(namespace: stage.hostNamespacePath)
    try connection.commit(
        Transaction(
            table: closed.table.name,
            changes: [.addTable(closed.table)] + closed.chains.map { .addChain(name: $0.name, $0.base) },
            generation: nil))
    for (shot, fate) in zip(shots, try stage.fates(of: shots)) {
        print("\(shot.kind) \(shot.destination) \(fate)")
    }
} catch {
    print("\(error)")
    exit(3)
}
