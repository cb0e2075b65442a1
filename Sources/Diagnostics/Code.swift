extension Diagnostic {
    /// The kinds of diagnostics. The raw value is stable: people write it in scripts, and `docs/diagnostics/` has a page for
    /// each.
    public enum Code: String, Hashable, CaseIterable, Sendable {
        // Files
        case fileUnreadable = "file-unreadable"
        case fileTooLarge = "file-too-large"
        case emptyFile = "empty-file"
        case notUTF8 = "not-utf8"
        case includeCycle = "include-cycle"
        case includeDepth = "include-depth"
        case tooManyFiles = "too-many-files"
        case definedTwice = "defined-twice"

        // YAML
        case yamlSyntax = "yaml-syntax"
        case tabCharacter = "tab-character"
        case controlCharacter = "control-character"
        case unquotedAddress = "unquoted-address"
        case duplicateKey = "duplicate-key"
        case keyNotText = "key-not-text"
        case severalDocuments = "several-documents"
        case yamlTag = "yaml-tag"
        case unknownAlias = "unknown-alias"
        case mergeKey = "merge-key"
        case nestingDepth = "nesting-depth"
        case tooManyNodes = "too-many-nodes"

        // Shape
        case wrongType = "wrong-type"
        case unknownKey = "unknown-key"
        case missingKey = "missing-key"
        case conflictingKeys = "conflicting-keys"
        case unknownValue = "unknown-value"
        case emptyList = "empty-list"
        case unsupportedVersion = "unsupported-version"
        case badName = "bad-name"
        case reservedName = "reserved-name"
        case notSupported = "not-supported"
        case tooManyServices = "too-many-services"
        case tooManyErrors = "too-many-errors"

        // Addresses and groups
        case badAddress = "bad-address"
        case badPrefixLength = "bad-prefix-length"
        case hostBitsSet = "host-bits-set"
        case mixedFamilies = "mixed-families"
        case emptyRange = "empty-range"
        case scopedAddress = "scoped-address"
        case mappedAddress = "mapped-address"
        case unspecifiedAddress = "unspecified-address"
        case unknownGroup = "unknown-group"
        case groupCycle = "group-cycle"
        case groupDepth = "group-depth"
        case tooManyAddresses = "too-many-addresses"
        case nobodyWithOthers = "nobody-with-others"

        // Ports, interfaces, containers, the log and expectations
        case badPort = "bad-port"
        case unknownProtocol = "unknown-protocol"
        case overlappingPorts = "overlapping-ports"
        case badInterface = "bad-interface"
        case badContainer = "bad-container"
        case badHostName = "bad-host-name"
        case badRate = "bad-rate"
        case badLogDestination = "bad-log-destination"
        case badExpectation = "bad-expectation"
        case unknownService = "unknown-service"
        case expectationFailed = "expectation-failed"
        case expectationUntested = "expectation-untested"

        // What Docker says
        case nothingSelected = "nothing-selected"
        case portNotPublished = "port-not-published"
        case hostNetworkPort = "host-network-port"
        case sharedHostPort = "shared-host-port"
        case dockerNotAsked = "docker-not-asked"

        // Lints
        case redundantSources = "redundant-sources"
        case nobodyEnters = "nobody-enters"
        case emptyGroup = "empty-group"
        case unusedGroup = "unused-group"
        case portInTwoServices = "port-in-two-services"
        case portAlsoPublished = "port-also-published"
        case openToAnyone = "open-to-anyone"
        case containerInterface = "container-interface"
        case interfaceNotExternal = "interface-not-external"
        case loopbackIsExternal = "loopback-is-external"
        case loopbackAddress = "loopback-address"
    }
}
