internal import Addressing

/// A partition of one protocol's ports: each stretch with the services that cover it, none empty.
struct PortMap<Owner: Hashable & Comparable> {
    struct Stretch {
        var ports: ClosedRange<UInt16>
        var owners: [Owner]
    }

    let stretches: [Stretch]

    /// One sweep over all the ranges' ends. Neighbours with the same owners become one stretch, so that the way in which ports
    /// were written leaves no trace.
    init(_ ranges: [(ports: ClosedRange<UInt16>, owner: Owner)]) {
        var edges: [(port: Int, isStart: Bool, owner: Owner)] = []
        for (ports, owner) in ranges {
            edges.append((Int(ports.lowerBound), true, owner))
            edges.append((Int(ports.upperBound) + 1, false, owner))
        }
        edges.sort { $0.port < $1.port }
        var open: [Owner: Int] = [:]
        var stretches: [Stretch] = []
        var index = 0
        while index < edges.count {
            let start = edges[index].port
            while index < edges.count, edges[index].port == start {
                let edge = edges[index]
                open[edge.owner, default: 0] += edge.isStart ? 1 : -1
                if open[edge.owner] == 0 { open[edge.owner] = nil }
                index += 1
            }
            guard index < edges.count, !open.isEmpty else { continue }
            let owners = open.keys.sorted()
            let lower = UInt16(start)
            let upper = UInt16(edges[index].port - 1)
            if let last = stretches.last, last.owners == owners, Int(last.ports.upperBound) + 1 == start {
                stretches[stretches.count - 1].ports = last.ports.lowerBound...upper
            } else {
                stretches.append(Stretch(ports: lower...upper, owners: owners))
            }
        }
        self.stretches = stretches
    }
}
