#!/usr/bin/env python3
"""Prints the seeds of NetlinkFuzz: what this kernel says of seeds/table.nft, in hexadecimal, a seed a line (root).

    ip netns add seeds && ip netns exec seeds Fuzz/capture.py >Fuzz/seeds/netlink.hex; ip netns delete seeds

It loads the table itself, into the network namespace that it runs in.
"""
import os
import socket
import struct
import subprocess
import sys

NETLINK_NETFILTER, NFNL_SUBSYS_NFTABLES, NFPROTO_INET = 12, 10, 1
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
GETTABLE, GETCHAIN, GETRULE, GETSET, GETSETELEM, GETOBJ, GETFLOWTABLE = 1, 4, 7, 10, 13, 19, 23
# What NetlinkFuzz takes each kind of message for, in the order in which it is read.
DECODERS = {GETTABLE: 1, GETCHAIN: 2, GETRULE: 3, GETOBJ: 4, GETFLOWTABLE: 5, GETSET: 6, GETSETELEM: 7}


def attribute(number, text):
    payload = text.encode() + b"\0"
    return struct.pack("=HH", 4 + len(payload), number) + payload + b"\0" * (-len(payload) % 4)


def messages(datagram):
    while datagram:
        length, kind = struct.unpack_from("=IH", datagram)
        yield kind, datagram[:length]
        datagram = datagram[(length + 3) & ~3:]


def ask(line, request, flags, attributes):
    body = struct.pack("=BBH", NFPROTO_INET, 0, 0) + attributes
    kind = NFNL_SUBSYS_NFTABLES << 8 | request
    line.send(struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | flags, 1, 0) + body)
    while True:
        for kind, message in messages(line.recv(1 << 17)):
            yield message
            if kind in (NLMSG_ERROR, NLMSG_DONE):
                return


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    subprocess.run(["nft", "-f", os.path.join(here, "seeds", "table.nft")], check=True)
    line = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    line.setsockopt(270, 11, 1)  # SOL_NETLINK, NETLINK_EXT_ACK
    line.bind((0, 0))
    listing = subprocess.run(["nft", "list", "table", "inet", "t"], check=True, capture_output=True, text=True).stdout
    words = [entry.split() for entry in listing.splitlines()]
    sets = [entry[1] for entry in words if entry and entry[0] in ("set", "map")]
    table = attribute(1, "t")
    asked = [(GETTABLE, NLM_F_ACK, table)] + [
        (request, NLM_F_DUMP, table) for request in (GETCHAIN, GETRULE, GETOBJ, GETFLOWTABLE, GETSET)]
    asked += [(GETSETELEM, NLM_F_DUMP, table + attribute(2, name)) for name in sets]
    whole = b""
    seen = set()
    for request, flags, attributes in asked:
        for message in ask(line, request, flags, attributes):
            whole += message + b"\0" * (-len(message) % 4)
            kind = struct.unpack_from("=IH", message)[1]
            if kind >> 8 == NFNL_SUBSYS_NFTABLES and message[20:] not in seen:
                seen.add(message[20:])
                print((bytes([DECODERS[request]]) + message[20:]).hex())
    # Few kernels are built with flowtables.
    print((b"\5" + table + attribute(2, "fast")).hex())
    refused = b"".join(ask(line, GETSETELEM, NLM_F_DUMP, table + attribute(2, "none")))
    print((b"\x0a" + refused).hex())
    print((b"\0" + whole + refused).hex())
    # Structures of xtables, by the number that NetlinkFuzz gives their name; and a header of what is no netfilter.
    for name in range(12):
        for revision in range(4):
            print((bytes([11, name, revision]) + bytes(208)).hex())
    print((bytes([12, 2]) + bytes(71)).hex())


if __name__ == "__main__":
    sys.exit(main())
