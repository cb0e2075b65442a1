internal import Addressing
internal import Glibc
internal import Nftables
internal import NftablesKernel

/// Shots that are in flight together, and what is heard of them.
struct Volley {
    let stage: Stage
    /// Where the host itself is asked to send.
    private let hostSockets: HostSockets?
    let shots: [Shot]
    private let firstMark: UInt32
    let clientPorts: [UInt16]
    /// Which container a shot has come to.
    var reached: [Int?]
    var isOutside: [Bool]
    /// Ends that have answered an attempt at a shot: each does so once, so that no two of them talk for ever.
    var answerers: [Set<Ends.Place>]
    var fates: [Fate?]
    /// Ends at which the host is asked something that it always answers, and has not yet.
    private var unanswered: Set<Ends.Place> = []
    var phase = Phase.first
    /// What the servers of open connections have begun to count from.
    var serverSequences: [UInt32?]

    /// What the shots are.
    enum Phase {
        /// First packets, of which nothing comes but the answer.
        case first
        /// First packets of connections that are to last.
        case opening
        /// One more packet of each connection.
        case goingOn
    }

    init(_ stage: Stage, _ hostSockets: HostSockets?, _ shots: [Shot], firstMark: UInt32) {
        self.stage = stage
        self.hostSockets = hostSockets
        self.shots = shots
        self.firstMark = firstMark
        clientPorts = shots.map { $0.sourcePort ?? stage.nextClientPort(besides: $0.port) }
        reached = Array(repeating: nil, count: shots.count)
        isOutside = Array(repeating: false, count: shots.count)
        answerers = Array(repeating: [], count: shots.count)
        fates = Array(repeating: nil, count: shots.count)
        serverSequences = Array(repeating: nil, count: shots.count)
    }

    /// The number after a mark is its shot's too: a connection that goes on has come so far.
    private static let marksOfShot: UInt32 = 2

    static func marks(of count: Int) -> UInt32 { UInt32(count) * marksOfShot }

    /// How many are sent before what has come back is read: no queue of the kernel is shorter.
    private static let burst = 32
    /// How long nothing may come before nothing is believed to come any more, in milliseconds, at each attempt. A machine with too
    /// much to do may leave one processor's packets for later; the last attempt is worth waiting for.
    static let graces: [Int32] = [5, 25]
    /// After so many waits without an answer the host is asked again.
    private static let silentRounds = 50

    mutating func fire() throws(StageError) -> [Fate] {
        for grace in Self.graces {
            let open = fates.indices.filter { fates[$0] == nil }
            if open.isEmpty { break }
            // The table of connections never holds more than one attempt of one volley.
            try stage.forgetConnections()
            try attempt(open, grace)
        }
        return fates.map { $0 ?? .silent }
    }

    mutating func attempt(_ open: [Int], _ grace: Int32) throws(StageError) {
        for (count, index) in open.enumerated() {
            try send(index)
            if count % Self.burst == Self.burst - 1 { while try serve() {} }
        }
        try settle(open, grace)
    }

    // MARK: Sending

    private mutating func send(_ index: Int) throws(StageError) {
        let shot = shots[index]
        let mark = firstMark &+ Self.marks(of: index)
        let clientPort = clientPorts[index]
        answerers[index] = []
        let (source, destination) = (shot.source, shot.destination)
        let content =
            switch shot.kind {
            case .tcp where phase == .goingOn: nextSegment(index, mark)
            case .tcp:
                Frame.tcp(
                    from: source, clientPort, to: destination, shot.port, sequence: mark, acknowledges: 0, .syn)
            case .strayAck:
                Frame.tcp(
                    from: source, clientPort, to: destination, shot.port, sequence: mark, acknowledges: mark, .ack)
            case .udp: Frame.udp(from: source, clientPort, to: destination, shot.port, mark: mark)
            case .sctp: Frame.sctp(.request, clientPort, to: shot.port, mark: mark)
            case .ping: Frame.ping(.request, from: source, to: destination, mark: mark)
            }
        try send(content, from: source, to: destination, at: place(of: shot))
    }

    func place(of shot: Shot) -> Ends.Place {
        switch shot.origin {
        case .container(let container): .container(container)
        case .host: .host
        case .interface(let name): .outside(stage.setting.interfaces.firstIndex { $0.name == name } ?? 0)
        }
    }

    func send(
        _ content: Frame.Content, from source: IPAddress, to destination: IPAddress, at place: Ends.Place
    ) throws(StageError) {
        let packet = Frame.packet(from: source, to: destination, content)
        let ends = stage.ends
        let (end, next): (Ends.End, Ends.End)
        switch place {
        case .host:
            try hostSockets?.send(packet, to: destination)
            return
        case .outside(let index):
            let sharing = ends.container(at: .wire(index), destination)
            (end, next) = (ends.outside[index], sharing ?? ends.interfaces[index])
        case .container(let index):
            let attachment = ends.attachments[index]
            let neighbour = ends.container(at: attachment, destination)
            switch attachment {
            case .bridge(let bridge): (end, next) = (ends.containers[index], neighbour ?? ends.bridges[bridge])
            case .wire(let wire): (end, next) = (ends.containers[index], neighbour ?? ends.outside[wire])
            }
        }
        let frame = Frame.frame(
            packet, of: source.family, from: end.hardwareAddress, to: next.hardwareAddress)
        try stage.packets.send(frame, on: end.number)
    }

    // MARK: Hearing

    /// Waits until nothing is on its way any more.
    private mutating func settle(_ open: [Int], _ grace: Int32) throws(StageError) {
        while try serve() {}
        unanswered = Set(open.map { hearing(place(of: shots[$0])) })
        var patience = 2000
        while !unanswered.isEmpty {
            guard patience > 0 else { throw .unresponsive("the host in the stage") }
            // A bridge that has not heard of a link yet loses the question.
            if patience % Self.silentRounds == 0 { for place in unanswered { try ask(at: place) } }
            patience -= 1
            if try !serve() { wait(grace) }
        }
        try untilQuiet(grace)
    }

    /// No rule that looks at packets of IP sees this one, and frames of one wire stay in their order.
    /// The end at which what is asked at this place, or for it, is answered.
    private func hearing(_ place: Ends.Place) -> Ends.Place {
        switch place {
        case .outside: place
        // What it sends goes out by the first.
        case .host: .outside(0)
        case .container(let index):
            switch stage.ends.attachments[index] {
            case .bridge: place
            // A kernel does not hear those who share its wire.
            case .wire(let wire): .outside(wire)
            }
        }
    }

    private func ask(at place: Ends.Place) throws(StageError) {
        let end: Ends.End
        switch place {
        case .outside(let index): end = stage.ends.outside[index]
        case .container(let index): end = stage.ends.containers[index]
        case .host: return
        }
        try stage.packets.send(
            Frame.addressRequest(for: Ends.sentinel, from: Ends.gateway4, at: end.hardwareAddress), on: end.number)
    }

    private mutating func untilQuiet(_ grace: Int32) throws(StageError) {
        while true {
            while try serve() {}
            if !wait(grace) { return }
        }
    }

    /// Whether something came within the grace.
    @discardableResult
    private func wait(_ grace: Int32) -> Bool {
        var entries = [pollfd(fd: stage.packets.descriptor, events: Int16(POLLIN), revents: 0)]
        entries += stage.listeners.datagrams
        entries += hostSockets?.hearing ?? []
        // The array is read and written during the call only, no further than its own count.
        return unsafe poll(&entries, nfds_t(entries.count), grace) > 0
    }

    /// Reads and answers all that has come. Whether there was anything.
    private mutating func serve() throws(StageError) -> Bool {
        var isBusy = stage.listeners.echo()
        while let (frame, interface) = try stage.packets.receive() {
            isBusy = true
            guard let place = stage.ends.place(of: interface), let arrival = Arrival(frame) else { continue }
            try take(arrival, at: place)
        }
        guard let hostSockets else { return isBusy }
        while true {
            switch hostSockets.receive() {
            case .nothing: return isBusy
            case .other: continue
            case .arrival(let arrival):
                isBusy = true
                try take(arrival, at: .host)
            }
        }
    }

    func index(_ mark: UInt32) -> Int? {
        let index = Int((mark &- firstMark) / Self.marksOfShot)
        return shots.indices.contains(index) ? index : nil
    }

    private mutating func take(_ arrival: Arrival, at place: Ends.Place) throws(StageError) {
        if phase != .first, try takeOpen(arrival, at: place) { return }
        switch arrival.message {
        case .addressReply: unanswered.remove(place)
        case .connect(let mark), .stray(let mark), .echoRequest(let mark), .associate(let mark):
            try answer(arrival, mark, at: place)
        case .datagram(let mark):
            guard let index = index(mark) else { return }
            if isAnswer(arrival, to: index, at: place) {
                decide(index, answered(index))
            } else {
                try answer(arrival, mark, at: place)
            }
        case .connected(let mark, _):
            guard let index = index(mark), isAnswer(arrival, to: index, at: place) else { return }
            decide(index, answered(index))
            // The host's kernel would send it again and again; nobody else would.
            let (client, server) = (arrival.destination, arrival.source)
            let reset = Frame.tcp(
                from: client, arrival.port, to: server, arrival.sourcePort, sequence: mark &+ 1, acknowledges: 0, .rst)
            if reached[index] == nil { try send(reset, from: client, to: server, at: place) }
        // Nobody has opened anything on which it could be said.
        case .said: return
        case .strayAnswer(let mark), .echoReply(let mark), .associated(let mark):
            guard let index = index(mark), isAnswer(arrival, to: index, at: place) else { return }
            decide(index, answered(index))
        case .reset(let mark):
            guard let index = index(mark), isAnswer(arrival, to: index, at: place) else { return }
            decide(index, .refused)
        case .unreachable(let mark):
            guard let index = index(mark), place == self.place(of: shots[index]) else { return }
            guard place == .host || arrival.destination == shots[index].source else { return }
            decide(index, .refused)
        }
    }

    mutating func decide(_ index: Int, _ fate: Fate) { fates[index] = fates[index] ?? fate }

    func answered(_ index: Int) -> Fate {
        if let container = reached[index] { return .answered(by: .container(container)) }
        return .answered(by: isOutside[index] ? .outside : .host)
    }

    /// From whom the shot went to, to where it came from.
    func isAnswer(_ arrival: Arrival, to index: Int, at place: Ends.Place) -> Bool {
        let shot = shots[index]
        guard arrival.source == shot.destination, place == self.place(of: shot) else { return false }
        // A socket of the host's hears what is for the host.
        guard place == .host || arrival.destination == shot.source else { return false }
        return shot.kind == .ping || (arrival.sourcePort == shot.port && arrival.port == clientPorts[index])
    }

    /// As whoever is at this end would.
    mutating func answer(_ arrival: Arrival, _ mark: UInt32, at place: Ends.Place) throws(StageError) {
        guard let index = index(mark), answerers[index].insert(place).inserted else { return }
        switch place {
        case .container(let container): reached[index] = container
        case .outside: isOutside[index] = true
        // Its kernel answers for it.
        case .host: return
        }
        let (source, destination) = (arrival.destination, arrival.source)
        let (port, clientPort) = (arrival.port, arrival.sourcePort)
        let content =
            switch shots[index].kind {
            case .tcp:
                Frame.tcp(
                    from: source, port, to: destination, clientPort, sequence: mark, acknowledges: mark &+ 1,
                    [.syn, .ack])
            case .strayAck:
                Frame.tcp(
                    from: source, port, to: destination, clientPort, sequence: mark, acknowledges: mark &+ 1, .ack)
            case .udp: Frame.udp(from: source, port, to: destination, clientPort, mark: mark)
            case .sctp: Frame.sctp(.answer, port, to: clientPort, mark: mark)
            case .ping: Frame.ping(.reply, from: source, to: destination, mark: mark)
            }
        try send(content, from: source, to: destination, at: place)
    }
}
