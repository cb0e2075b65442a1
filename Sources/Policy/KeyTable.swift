/// The keys that a mapping may have, and the words that people write instead of them.
struct KeyTable {
    var names: [String]
    var meanings: [String: String]

    init(_ names: [String], meanings: [String: String] = [:]) {
        self.names = names
        self.meanings = meanings
    }
}
