internal import Nftables

/// `struct nft_regs`: sixteen words of 32 bits, and which of them the rule has written.
struct Registers {
    private var bytes: [UInt8] = Array(repeating: 0, count: 64)
    private var isWritten: [Bool] = Array(repeating: false, count: 16)

    /// The last word is filled up with zeroes, as `nft_reg_store8` and `nft_payload_eval` do.
    mutating func store(_ value: [UInt8], in register: Register) -> Bool {
        let words = (value.count + 3) / 4
        guard register.word >= 0, register.word + words <= isWritten.count else { return false }
        let start = register.word * 4
        for index in 0..<words * 4 { bytes[start + index] = index < value.count ? value[index] : 0 }
        for word in register.word..<register.word + words { isWritten[word] = true }
        return true
    }

    /// `nil` where the rule has not written all of it: what the kernel would find there is not ours to say.
    func load(_ register: Register, length: Int) -> [UInt8]? {
        let words = (length + 3) / 4
        guard register.word >= 0, register.word + words <= isWritten.count else { return nil }
        guard isWritten[register.word..<register.word + words].allSatisfy({ $0 }) else { return nil }
        let start = register.word * 4
        return Array(bytes[start..<start + length])
    }
}
