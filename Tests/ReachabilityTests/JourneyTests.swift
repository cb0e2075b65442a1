import Addressing
import HostRules
import Reachability
import Testing

@Suite struct `The way of a packet through a host` {
    let container = IPAddress("172.17.0.2")

    @Test func `without a rule, what is dialled is delivered, also on another address`() {
        let answer = HandWritten([]).ask("192.0.2.2", 8080)
        #expect(answer.isOpenToAll)
        #expect(Array(answer.arrivals.keys) == [.delivered(IPAddress("192.0.2.2"), port: 8080)])
    }

    @Test func `Docker's DNAT takes a published port to its container and out of its bridge`() {
        let answer = HandWritten.docker().ask("192.0.2.1", 8081)
        #expect(answer.isOpenToAll)
        #expect(Array(answer.arrivals.keys) == [.forwarded(container, port: 80, interface: "docker0")])
    }

    @Test func `a port that Docker has no rule for comes to the machine itself`() {
        #expect(
            Array(HandWritten.docker().ask("192.0.2.1", 8082).arrivals.keys) == [
                .delivered(IPAddress("192.0.2.1"), port: 8082)
            ])
    }

    @Test func `IPv6 passes by tables of the family ip`() {
        #expect(
            Array(HandWritten.docker().ask("2001:db8:1::1", 8081).arrivals.keys) == [
                .delivered(IPAddress("2001:db8:1::1"), port: 8081)
            ])
    }

    @Test func `the container's own address is reached by the port that is published, and by no other`() {
        #expect(HandWritten.docker().ask("172.17.0.2", 80).isOpenToAll)
        let other = HandWritten.docker().ask("172.17.0.2", 81)
        #expect(other.isClosedToAll)
        #expect(Array(other.stops.keys) == [.policy(table: "ip filter", chain: "forward 0")])
    }

    @Test func `nothing is forwarded where forwarding is off`() {
        var host = HandWritten.docker()
        host.forwards = []
        #expect(Array(host.ask("172.17.0.2", 80).stops.keys) == [.routing(.forwardingIsOff)])
    }

    @Test func `127_0_0_1 from outside dies in the routing, unless DNAT took it away or the host routes it`() {
        #expect(Array(HandWritten([]).ask("127.0.0.1", 8081).stops.keys) == [.routing(.martian)])
        #expect(HandWritten.docker().ask("127.0.0.1", 8081).isOpenToAll)
        var host = HandWritten([])
        host.loopback = true
        #expect(host.ask("127.0.0.1", 8081).isOpenToAll)
        #expect(Array(host.ask("::1", 8081).stops.keys) == [.routing(.martian)])
    }

    @Test func `a link-local client is delivered to, and never forwarded for`() {
        var host = HandWritten(
            .ip6, [.at(.prerouting, -100, type: "nat", [Rule.port(8081) + Rule.dnat("2001:db8:6::2", 80)])])
        #expect(host.ask("2001:db8:1::1", 8081).from("fe80::5") == .closed)
        #expect(host.ask("2001:db8:1::1", 8081).from("2001:db8::5") == .open)
        host.tables = []
        #expect(host.ask("2001:db8:1::1", 8081).from("fe80::5") == .open)
    }

    @Test func `an accept ends its own chain, and the next one may drop`() {
        let host = HandWritten([
            .at(.input, -10, [Rule.accept]), .at(.input, 0, [Rule.source("203.0.113.9") + Rule.drop]),
        ])
        let answer = host.ask("192.0.2.1", 22)
        #expect(answer.from("203.0.113.9") == .closed)
        #expect(answer.from("203.0.113.10") == .open)
    }

    @Test func `a chain may ask for what was dialled, after DNAT`() {
        let ours = HostTable(
            family: .inet, name: "dockernft",
            chains: [.at(.forward, -10, [Rule.isNATed + Rule.dialled(port: 8081) + Rule.drop])])
        let host = HandWritten.docker([ours])
        #expect(host.ask("192.0.2.1", 8081).isClosedToAll)
        #expect(host.ask("172.17.0.2", 80).isOpenToAll)
    }

    @Test func `before conntrack no rule sees a connection`() {
        let early = HandWritten([.at(.prerouting, -300, [Rule.dialled(port: 22) + Rule.drop])])
        #expect(early.ask("192.0.2.1", 22).isOpenToAll)
        let late = HandWritten([.at(.prerouting, -150, [Rule.dialled(port: 22) + Rule.drop])])
        #expect(late.ask("192.0.2.1", 22).isClosedToAll)
    }

    @Test func `an untracked packet is in no connection, and NAT passes it by`() {
        let raw = HostTable(
            family: .ip, name: "raw", chains: [.at(.prerouting, -300, [Rule.source("203.0.113.9") + [.notrack]])])
        let answer = HandWritten.docker([raw]).ask("192.0.2.1", 8081)
        #expect(
            answer.arrivals[.delivered(IPAddress("192.0.2.1"), port: 8081)]?.contains(.v4(IPv4Address(0xcb00_7109)))
                == true)
        #expect(
            answer.arrivals[.forwarded(container, port: 80, interface: "docker0")]?.contains(
                .v4(IPv4Address(0xcb00_7109))) == false)
    }

    @Test func `different sources may be sent to different places`() {
        let host = HandWritten(
            .ip,
            [
                .at(
                    .prerouting, -100, type: "nat",
                    [
                        Rule.source("203.0.113.9") + Rule.dnat("172.17.0.9", 80),
                        Rule.port(8081) + Rule.dnat("172.17.0.2", 80),
                    ])
            ])
        let arrivals = host.ask("192.0.2.1", 8081).arrivals
        #expect(arrivals[.forwarded(IPAddress("172.17.0.9"), port: 80, interface: "docker0")]?.v4.ranges.count == 1)
        #expect(arrivals[.forwarded(container, port: 80, interface: "docker0")]?.v4.ranges.count == 2)
    }

    @Test func `to a macvlan's container only chains on its parent have a say`() {
        let chain = HostChain.at(
            .ingress, -500, devices: ["ext0"], [Rule.destination("192.0.2.50") + Rule.source("203.0.113.9") + Rule.drop]
        )
        let host = HandWritten(.netdev, [chain])
        #expect(host.ask("192.0.2.50", 80, through: .ingress).from("203.0.113.9") == .closed)
        #expect(host.ask("192.0.2.50", 80, through: .ingress).from("203.0.113.10") == .open)
        #expect(HandWritten([.at(.forward, 0, [Rule.drop])]).ask("192.0.2.50", 80, through: .ingress).isOpenToAll)
    }

    @Test func `a dormant table has no say, and neither have those of bridge and arp`() {
        var host = HandWritten([.at(.input, 0, [Rule.drop])])
        host.tables[0].isDormant = true
        #expect(host.ask("192.0.2.1", 22).isOpenToAll)
        #expect(HandWritten(.bridge, [.at(.input, 0, [Rule.drop])]).ask("192.0.2.1", 22).isOpenToAll)
    }
}
