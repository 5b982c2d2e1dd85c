"""What hubs say to each other, as protocol/record.hpp lays it down: for a peer that says what no hub says."""

import struct

MEMBER, USER, SYNCED, ROUTE, RECEIPT, ANSWER, PUBLICATION, COUNT, GAP, CREDIT, PING, PONG, GOODBYE, REMOVAL, UNBAN = range(1, 16)


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(0x80 | number & 0x7F)
        number >>= 7
    out.append(number)
    return bytes(out)


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return varint(len(value)) + value


def texts(values):
    return varint(len(values)) + b"".join(text(value) for value in values)


def record(kind, *fields):
    """Numbers as varints, strings with their length, lists of strings with their count."""
    body = b"".join(varint(f) if isinstance(f, int) else texts(f) if isinstance(f, list) else text(f) for f in fields)
    return struct.pack(">IBB", 2 + len(body), 1, kind) + body


def member(group, uid, *, sessions=1, stamp=1, meta=b"", meta_stamp=0):
    return record(MEMBER, group, uid, sessions, stamp, meta, meta_stamp, 0)


def user(name, sessions=1):
    return record(USER, name, sessions)


def route(group, to, frame, *, id=0, by=0, confirm=0, number=0, ttl=5000, binary=b""):
    return record(ROUTE, id, by, group, to, 0, confirm, number, ttl, frame, binary)


def publication(group, frame, *, id=0):
    return record(PUBLICATION, id, group, [], frame, b"")


def batch(epoch, *records):
    return struct.pack(">Q", epoch) + b"".join(records)
