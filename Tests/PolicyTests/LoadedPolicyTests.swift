import Addressing
import Diagnostics
import Policy
import Testing

func load(_ text: String, _ others: [String: String] = [:]) -> LoadedPolicy {
    var files = others.mapValues { Array($0.utf8) }
    files["etc/policy.yaml"] = Array(text.utf8)
    return ResolvedPolicy.load(path: "etc/policy.yaml", files: .inMemory(files))
}

func addresses(_ texts: String...) throws -> AddressSet {
    var ranges = AddressRanges()
    for text in texts { ranges.append(try AddressText(text)) }
    return ranges.set
}

private func expect(
    _ log: Log, _ refused: Bool, _ rate: UInt64, _ unit: Log.Unit, _ destination: Log.Destination,
    at place: SourceLocation = #_sourceLocation
) {
    #expect(log.refused == refused, sourceLocation: place)
    #expect(log.rate == rate, sourceLocation: place)
    #expect(log.unit == unit, sourceLocation: place)
    #expect(log.destination == destination, sourceLocation: place)
}

@Suite("A policy")
struct LoadedPolicyTests {
    static let example = """
        version: 1
        interfaces:
          external: [eth0, "wg*"]
        groups:
          office:    [203.0.113.0/24, 198.51.100.7-198.51.100.20, 2001:db8:10::/48]
          partners:  { file: partners.txt }
          staff:     [office, partners, 192.0.2.77]
        services:
          django:
            publish: 8081/tcp
            allow: [office, 192.168.0.1]
            except: [203.0.113.66]
          postgres:
            publish: 5432
            allow: nobody
          site:
            publish: [80, 443/tcp, 443/udp, 7000-7010]
            on: [192.0.2.1]
            interfaces: [eth0]
            allow: anyone
          everything:
            publish: any
            allow: [198.51.100.9]
        unlisted: reject
        refuse: reject
        log:
          rate: 5/minute
          to: kernel
        host:
          services:
            ssh:  { port: 22, allow: [staff] }
            ping: { icmp: echo-request, allow: anyone }
          otherwise: drop
        """
    static let partners = "# partners\n198.51.100.0/25\r\n\n  2001:db8:20::/48 # home\n"

    @Test("resolves the example of the contract")
    func example() throws {
        let loaded = load(Self.example, ["etc/partners.txt": Self.partners])
        #expect(loaded.diagnostics == [])
        let policy = try #require(loaded.policy)
        #expect(policy.interfaces.external == .listed([try InterfaceName("eth0"), try InterfaceName("wg*")]))
        #expect(
            policy.interfaces.containers.map { $0.description } == [
                "docker0", "docker_gwbridge", "br-*", "podman*", "cni-podman*",
            ])
        #expect(policy.groups.map { $0.name } == ["office", "partners", "staff"])
        #expect(policy.groups[1].addresses == (try addresses("198.51.100.0/25", "2001:db8:20::/48")))
        #expect(policy.groups[2].addresses == (try addresses("192.0.2.77")))
        #expect(policy.groups[2].members == ["office", "partners"])
        #expect(policy.services.map { $0.name } == ["django", "everything", "postgres", "site"])
        let django = policy.services[0]
        #expect(django.publish == .ports([PortRange(.tcp, 8081...8081)]))
        #expect(django.allow == .listed(groups: ["office"], addresses: try addresses("192.168.0.1")))
        #expect(django.except == .listed(groups: [], addresses: try addresses("203.0.113.66")))
        #expect(django.span.start == Position(line: 9, column: 3))
        #expect(django.span.end == Position(line: 9, column: 9))
        #expect(policy.services[1].publish == .any)
        #expect(policy.services[2].allow == .nobody)
        let site = policy.services[3]
        #expect(
            site.publish
                == .ports([
                    PortRange(.tcp, 80...80), PortRange(.tcp, 443...443), PortRange(.tcp, 7000...7010),
                    PortRange(.udp, 443...443),
                ]))
        #expect(site.on.map { $0.description } == ["192.0.2.1"])
        #expect(site.interfaces == [try InterfaceName("eth0")])
        #expect(site.allow == .anyone)
        #expect(policy.unlisted == .reject)
        #expect(policy.refuse == .reject)
        expect(policy.log, true, 5, .minute, .kernel)
        let host = try #require(policy.host)
        #expect(host.otherwise == .drop)
        #expect(host.services.map { $0.name } == ["ping", "ssh"])
        #expect(host.services[0].opening == .echoRequest)
        #expect(host.services[1].opening == .ports([PortRange(.tcp, 22...22)]))
        #expect(host.services[1].allow == .listed(groups: ["office", "partners", "staff"], addresses: AddressSet()))
    }

    @Test("has the contract's defaults where it is silent")
    func defaults() throws {
        let policy = try #require(load("version: 1").policy)
        #expect(policy.interfaces.external == .auto)
        #expect(policy.unlisted == .drop)
        #expect(policy.refuse == .drop)
        expect(policy.log, true, 10, .second, .nflog(group: 4))
        #expect(policy.host == nil)
        #expect(try #require(load("version: 1\nhost: {}").policy).host?.otherwise == .accept)
        let log = try #require(load("version: 1\nlog: { refused: false, to: { nflog: 0 } }").policy).log
        expect(log, false, 10, .second, .nflog(group: 0))
    }

    @Test("means the same in any order")
    func order() throws {
        let one = """
            version: 1
            groups: { a: [192.0.2.1, b], b: [192.0.2.2] }
            services:
              x: { publish: [81, 80], allow: [a, 10.0.0.1, 10.0.0.0] }
              y: { publish: 82, allow: b }
            """
        let other = """
            services:
              y: { allow: b, publish: 82 }
              x: { allow: [10.0.0.0/31, a], publish: [80, 81] }
            groups: { b: [192.0.2.2], a: [b, 192.0.2.1] }
            version: 1
            """
        let (left, right) = (try #require(load(one).policy), try #require(load(other).policy))
        #expect(left.services.map { $0.name } == right.services.map { $0.name })
        #expect(left.services.map { $0.publish } == right.services.map { $0.publish })
        #expect(left.services.map { $0.allow } == right.services.map { $0.allow })
        #expect(left.groups.map { $0.members } == right.groups.map { $0.members })
        #expect(left.groups.map { $0.addresses } == right.groups.map { $0.addresses })
    }

    @Test("is not misread by YAML 1.1's guesses of types")
    func yamlTypes() throws {
        let policy = try #require(
            load(
                """
                version: "1"
                groups: { no: [192.0.2.1], 1e5: [192.0.2.2], 0o17: [192.0.2.3], null: [192.0.2.4], yes: 192.0.2.5 }
                services:
                  off: { publish: "8081", on: 192.0.2.9, allow: [no, 1e5, 0o17, null, yes] }
                """
            ).policy)
        #expect(policy.services[0].name == "off")
        #expect(policy.services[0].on.count == 1)
        #expect(
            policy.services[0].allow == .listed(groups: ["0o17", "1e5", "no", "null", "yes"], addresses: AddressSet()))
    }

    @Test("may be written with a byte order mark, CRLF, anchors, quotes and names of any script")
    func spelling() throws {
        let loaded = load(
            "\u{feff}version: 1\r\ngroups:\r\n  büro: &net [192.0.2.1]\r\n  '家 1': *net\r\n"
                + "services:\r\n  \"web: eins\": {publish: 80, allow: [büro, 家 1]}\r\n")
        #expect(loaded.diagnostics == [])
        #expect(loaded.policy?.services.first?.name == "web: eins")
        #expect(loaded.policy?.groups.map { $0.name } == ["büro", "家 1"])
    }

    @Test("is put together from the files that it includes, each read once")
    func includes() throws {
        let loaded = load(
            """
            version: 1
            include: [../common/groups.yaml, conf/web.yaml, conf/db.yaml]
            services:
              site: { publish: 80, allow: office }
            """,
            [
                "common/groups.yaml":
                    "groups:\n  office: { file: lists/office.txt }\nhost: { services: { ssh: { port: 22, allow: office } } }",
                "common/lists/office.txt": "192.0.2.0/24",
                "etc/conf/web.yaml":
                    "include: ../../common/groups.yaml\nservices:\n  web: { publish: 81, allow: office }\nhost: { otherwise: drop }",
                "etc/conf/db.yaml": "services:\n  db: { publish: 5432, allow: nobody }\n",
            ])
        #expect(loaded.diagnostics == [])
        let policy = try #require(loaded.policy)
        #expect(policy.services.map { $0.name } == ["db", "site", "web"])
        #expect(policy.groups[0].addresses == (try addresses("192.0.2.0/24")))
        #expect(policy.host?.otherwise == .drop)
        #expect(policy.host?.services.count == 1)
        #expect(policy.services[2].span.file == "etc/conf/web.yaml")
    }

    @Test("reads a list file that two groups name, for both")
    func sharedList() throws {
        let policy = try #require(
            load(
                """
                version: 1
                groups: { a: { file: l }, b: [{ file: ./l }, { file: m }, 192.0.2.9] }
                services: { x: { publish: 1, allow: [a, b] } }
                """, ["etc/l": "192.0.2.1", "etc/m": "192.0.2.2"]
            ).policy)
        #expect(policy.groups[0].addresses == (try addresses("192.0.2.1")))
        #expect(policy.groups[1].addresses == (try addresses("192.0.2.1", "192.0.2.2", "192.0.2.9")))
    }

    @Test("that is not there says so, and what to do")
    func missing() throws {
        let loaded = ResolvedPolicy.load(path: "policy.yaml", files: .inMemory([:]))
        #expect(loaded.policy == nil)
        #expect(loaded.diagnostics.map { $0.code } == [.fileUnreadable])
        #expect(loaded.diagnostics[0].help != nil)
    }

    @Test(
        "that cannot be read says why",
        arguments: [
            (SourceFiles.Failure.isDirectory, Diagnostic.Code.fileUnreadable, "is a directory"),
            (.denied, .fileUnreadable, "may not be read"), (.tooLarge, .fileTooLarge, "more than 16 MiB"),
            (.unreadable(reason: "Input/output error"), .fileUnreadable, "Input/output error"),
        ])
    func unreadable(failure: SourceFiles.Failure, code: Diagnostic.Code, words: String) {
        let loaded = ResolvedPolicy.load(path: "p", files: SourceFiles { _, _ in .failure(failure) })
        #expect(loaded.policy == nil)
        #expect(loaded.diagnostics.map { $0.code } == [code])
        #expect(loaded.diagnostics.first?.headline.contains(words) == true)
    }
}
