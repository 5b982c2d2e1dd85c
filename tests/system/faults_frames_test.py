"""faults.md C2: frames that RFC 6455 forbids, and frames that cost too much."""

import json
import time
import zlib

import pytest

from harness import MiB, ROOM, Server, eventually, took
from raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Raw, binary_message, close_payload, encode

PING_JSON = b'{"type":"ping"}'
FRAME_MAX = 64 * 1024


@pytest.fixture
def peer(server, fleet):
    with Raw(server.port) as connection:
        yield connection.open("fault", "faults")


def message(text):
    """A send of `text` to oneself."""
    return json.dumps({"type": "send", "group": "faults", "to": "fault", "data": text}, ensure_ascii=False).encode()


def sized(size):
    """A send to oneself, of exactly `size` bytes."""
    empty = message("")
    return message("x" * (size - len(empty)))


def pieces(data, count, opcode=TEXT):
    """`data` in `count` fragments, each of at least a byte but the last."""
    step = len(data) // count
    cut = [data[i * step : (i + 1) * step] for i in range(count - 1)] + [data[(count - 1) * step :]]
    return b"".join(
        encode(opcode if i == 0 else CONTINUATION, piece, fin=i == count - 1) for i, piece in enumerate(cut)
    )


def two(first, second, opcode=TEXT):
    return encode(opcode, first, fin=False) + encode(CONTINUATION, second)


BOMB = zlib.compressobj(9, zlib.DEFLATED, -15)
BOMB = BOMB.compress(b"x" * 64 * MiB) + BOMB.flush(zlib.Z_SYNC_FLUSH)

CLOSES = {
    "26 unmasked": (1002, encode(TEXT, PING_JSON, masked=False)),
    "26 unmasked ping": (1002, encode(PING, b"", masked=False)),
    "27 RSV1 without compression": (1002, encode(TEXT, PING_JSON, rsv=4)),
    "27 RSV2": (1002, encode(TEXT, PING_JSON, rsv=2)),
    "27 RSV3": (1002, encode(TEXT, PING_JSON, rsv=1)),
    "27 RSV1 on a ping": (1002, encode(PING, b"", rsv=4)),
    **{f"28 opcode {code}": (1002, encode(code, b"")) for code in (*range(3, 8), *range(11, 16))},
    "29 ping of 126 bytes": (1002, encode(PING, b"x" * 126)),
    "29 close of 126 bytes": (1002, encode(CLOSE, close_payload(1000, b"x" * 124))),
    "29 fragmented ping": (1002, encode(PING, b"x", fin=False)),
    "29 fragmented close": (1002, encode(CLOSE, close_payload(1000), fin=False)),
    "30 continuation first": (1002, encode(CONTINUATION, PING_JSON)),
    "30 continuation after a whole message": (1002, encode(TEXT, PING_JSON) + encode(CONTINUATION, b"x")),
    "30 text inside fragments": (1002, encode(TEXT, b"{", fin=False) + encode(TEXT, PING_JSON)),
    "30 binary inside fragments": (1002, encode(TEXT, b"{", fin=False) + encode(BINARY, b"xx")),
    "32 invalid UTF-8": (1007, encode(TEXT, message("\0").replace(b"\\u0000", b"\xff"))),
    "32 invalid UTF-8 in the second fragment": (1007, two(b'{"type":"ping","x":"', b'\xc3\x28"}')),
    "32 a surrogate": (1007, encode(TEXT, b'{"type":"ping","x":"\xed\xa0\x80"}')),
    "32 overlong": (1007, encode(TEXT, b'{"type":"ping","x":"\xc0\xaf"}')),
    "32 beyond U+10FFFF": (1007, encode(TEXT, b'{"type":"ping","x":"\xf4\x90\x80\x80"}')),
    "32 cut off at the end": (1007, encode(TEXT, b'{"type":"ping","x":"\xe2\x82')),
    "34 length 2^63": (1009, encode(TEXT, b"", length=1 << 63)),
    "34 length 2^64-1": (1009, encode(TEXT, b"", length=(1 << 64) - 1)),
    "34 length 2^40": (1009, encode(TEXT, b"", length=1 << 40)),
    "35 one byte over the limit": (1009, encode(TEXT, sized(FRAME_MAX + 1))),
    "35 one byte over the limit, announced only": (1009, encode(TEXT, b"", length=FRAME_MAX + 1)),
    "35 one byte over the limit, in two fragments": (1009, pieces(sized(FRAME_MAX + 1), 2)),
    "35 one byte over the limit, in 64 fragments": (1009, pieces(sized(FRAME_MAX + 1), 64)),
    "35 a binary message over the limit": (1009, encode(BINARY, b"\0" * (FRAME_MAX + 1))),
    "36 a length of 5 in 16 bits": (1002, encode(TEXT, b"hello", form=16)),
    "36 a length of 5 in 64 bits": (1002, encode(TEXT, b"hello", form=64)),
    "36 a length of 65535 in 64 bits": (1002, encode(TEXT, b"x" * 65535, form=64)),
    "37 65 fragments": (1008, pieces(message("x" * 64), 65)),
    "37 fragments of one byte": (1008, pieces(message("hello"), len(message("hello")))),
    "38 empty continuations without end": (
        1008,
        encode(TEXT, b"{", fin=False) + encode(CONTINUATION, b"", fin=False) * 1000,
    ),
    **{
        f"43 close {code}": (1002, encode(CLOSE, close_payload(code)))
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999)
    },
    "43 close of one byte": (1002, encode(CLOSE, b"\3")),
    # RFC 6455, 8.1 asks for 1007 where the text of a close frame is not UTF-8; faults.md for 1002.
    "43 close with a bad UTF-8 reason": (1002, encode(CLOSE, close_payload(1000, b"\xff"))),
    # No compression is negotiated, so that RSV1 is a bit that is not to be set (RFC 6455, 5.2), and nothing is inflated.
    "50 64 KiB that would become 64 MiB": (1002, encode(TEXT, BOMB, rsv=4)),
    "51 corrupt deflate": (1002, encode(TEXT, b"\xff\xff\xff\xff", rsv=4)),
    "52 RSV1 on a continuation": (1002, encode(TEXT, b"{", fin=False) + encode(CONTINUATION, b"}", rsv=4)),
    "53 a last block": (1002, encode(TEXT, b"\x03\x00", rsv=4)),
    "44 close 5000": (1002, encode(CLOSE, close_payload(5000))),
    "44 close 65535": (1002, encode(CLOSE, close_payload(65535))),
}


@pytest.mark.parametrize("case", CLOSES)
def test_a_bad_frame_closes_with_its_code(server, peer, case):
    code, data = CLOSES[case]
    before = server.metric("beckon_closes_total", code=str(code))
    peer.try_send(data)
    assert peer.close_code() == code
    eventually(
        lambda: server.metric("beckon_closes_total", code=str(code)) == before + 1, ROOM, "the close is counted once"
    )


def test_after_our_close_the_connection_ends_within_a_second(server, fleet):
    with Raw(server.port) as peer, took(most=1 + 0.1 * ROOM):
        peer.open("fault")
        peer.frame(3)
        # The client neither answers the close nor closes: it goes on talking.
        peer.try_send(encode(TEXT, PING_JSON) * 100)
        peer.until_end()


def test_34_a_huge_length_allocates_nothing(server, fleet):
    def ask(length):
        with Raw(server.port) as peer:
            peer.open("fault")
            peer.try_send(encode(TEXT, b"", length=length) + b"x" * 1024)
            assert peer.close_code() == 1009

    ask(1 << 40)
    before = server.rss()
    for _ in range(50):
        ask(1 << 40)
        ask(1 << 63)
    assert server.rss() - before < 4 * MiB


ACCEPTED = {
    "33 a code point split over fragments": (two(message("é")[:-3], message("é")[-3:]), "é"),
    "35 exactly the limit": (encode(TEXT, sized(FRAME_MAX)), None),
    "35 exactly the limit, in 64 fragments": (pieces(sized(FRAME_MAX), 64), None),
    "37 64 fragments": (pieces(message("x" * 64), 64), "x" * 64),
    "38 62 empty continuations": (
        encode(TEXT, message("hello"), fin=False)
        + encode(CONTINUATION, b"", fin=False) * 62
        + encode(CONTINUATION, b""),
        "hello",
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_unusual_but_legal_is_delivered(peer, case):
    data, text = ACCEPTED[case]
    assert case[:2] != "33" or message("é").split("é".encode())[0][-1:] == b'"'
    peer.send(data)
    frame = peer.json()
    assert frame["type"] == "direct", frame
    assert text is None or frame["data"] == text


def test_31_a_ping_inside_fragments_is_answered_first(peer):
    data = message("whole")
    peer.send(encode(TEXT, data[:10], fin=False) + encode(PING, b"now") + encode(CONTINUATION, data[10:]))
    pong = peer.read()
    assert (pong.opcode, pong.payload) == (PONG, b"now")
    assert peer.json()["data"] == "whole"


def test_39_a_message_that_trickles_is_ended_by_the_assembly_timeout():
    with Server(assembly_timeout="2s") as server, Raw(server.port) as peer:
        peer.open("fault")
        start = time.monotonic()
        peer.send(encode(TEXT, b"{", fin=False))
        peer.socket.settimeout(0.4)
        # A fragment every 0.4 s: an idle timer would never strike.
        while time.monotonic() - start < 2 * ROOM:
            peer.try_send(encode(CONTINUATION, b" ", fin=False))
            try:
                peer._more()
                break
            except TimeoutError:
                continue
        assert time.monotonic() - start > 1.5
        assert peer.close_code() == 1008


@pytest.mark.long
def test_39_the_assembly_timeout_is_ten_seconds(server):
    with Raw(server.port, timeout=20) as peer:
        peer.open("fault")
        start = time.monotonic()
        # One frame, of which a byte comes, and nine seconds later another.
        data = encode(TEXT, PING_JSON)
        peer.send(data[:8])
        time.sleep(9)
        peer.send(data[8:9])
        assert peer.close_code() == 1008
        assert 9.5 < time.monotonic() - start < 10 + ROOM


BAD_BINARY = {
    "40 empty": b"",
    "40 one byte": b"\0",
    "40 shorter than its header says": b"\0\x20{}",
    "40 a header of 65535 bytes": b"\xff\xff" + b"x" * 100,
    "40 a header that is not JSON": binary_message(b"not JSON", b"payload"),
    "40 a header that is an array": binary_message(b"[]", b"payload"),
    "40 an empty header": binary_message(b"", b"payload"),
    "data and a payload": binary_message({"type": "send", "id": 1, "group": "faults", "to": "fault", "data": 1}, b"p"),
}


@pytest.mark.parametrize("case", BAD_BINARY)
def test_a_bad_binary_message_is_a_bad_request(peer, case):
    peer.frame(BINARY, BAD_BINARY[case])
    answer = peer.json()
    assert (answer["type"], answer["code"]) == ("error", "bad_request"), answer
    assert peer.ask({"type": "leave", "id": 9, "group": "faults"})["type"] == "ok"


@pytest.mark.parametrize("text", ["", "\n", "\n\n \n", "\r\n"], ids=repr)
def test_41_a_message_without_any_frame_is_a_bad_request(peer, text):
    peer.frame(TEXT, text)
    answer = peer.json()
    assert (answer["type"], answer["code"]) == ("error", "bad_request"), answer


@pytest.mark.parametrize("code", [None, 1000, 1001, 3000, 3999, 4000, 4999])
def test_42_a_legal_close_is_echoed(peer, code):
    peer.frame(CLOSE, b"" if code is None else close_payload(code, b"bye"))
    # An empty close may be echoed empty or as 1000 (RFC 6455, 5.5.1: typically echoes the status code received).
    assert peer.close_code() in ({1005, 1000} if code is None else {code})


def test_45_data_behind_a_close_is_ignored(server, fleet):
    with Raw(server.port) as watcher, Raw(server.port) as peer:
        watcher.open("watcher", "faults")
        peer.open("fault", "faults")
        note = json.dumps({"type": "send", "group": "faults", "to": "watcher", "data": "late"})
        peer.send(encode(CLOSE, close_payload(1000)) + encode(TEXT, note))
        assert peer.close_code() == 1000
        watcher.text({"type": "send", "group": "faults", "to": "watcher", "data": "mark"})
        assert watcher.json()["data"] == "mark"


def test_bursts_of_tiny_frames_are_all_answered(peer):
    # A first version lost pongs under bursts of tiny frames in one segment.
    count = 1000
    peer.send((encode(PING, b"p") + encode(TEXT, PING_JSON)) * count)
    seen = {PONG: 0, TEXT: 0}
    for _ in range(2 * count):
        frame = peer.read()
        assert frame.payload == (b"p" if frame.opcode == PONG else b'{"type":"pong"}'), frame
        seen[frame.opcode] += 1
    assert seen == {PONG: count, TEXT: count}


def test_46_47_floods_of_control_frames_are_ended_and_memory_stays_flat():
    """Both at once: "over its rate for 10 s" is a long time for one test each.

    Who floods with pings and does not read is not read any more when its pongs fill the queue: it may be ended for its
    rate (faults.md) or for taking nothing (protocol.md, section 6). Pongs cost no answer: only the rate is left.
    """
    with Server(rate_frames=200, rate_frames_burst=400) as server:
        pings, pongs = Raw(server.port, receive_buffer=4096).open("a"), Raw(server.port).open("b")
        before, start = server.rss(), time.monotonic()
        unsent = {pings: b"", pongs: b""}

        def ended(*codes):
            return sum(server.metric("beckon_closes_total", code=code) for code in codes)

        while ended("4102", "4103") < 2:
            for peer, frame in ((pings, encode(PING, b"p" * 100)), (pongs, encode(PONG))):
                peer.socket.setblocking(False)
                try:
                    # The rest of a frame that was cut goes first.
                    unsent[peer] = unsent[peer] or frame * 50
                    unsent[peer] = unsent[peer][peer.socket.send(unsent[peer]) :]
                except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                    pass
            assert time.monotonic() - start < 10 * ROOM, "a flood was not ended"
            time.sleep(0.005)
        assert time.monotonic() - start > 9 and ended("4102") >= 1
        assert server.rss() - before < 4 * MiB
        pings.reset()
        pongs.reset()


def left_within(watcher, uid, seconds):
    """The `presence` by which `uid` leaves comes within `seconds`."""
    watcher.socket.settimeout(seconds)
    while uid not in watcher.json().get("left", []):
        pass
    watcher.socket.settimeout(10)


RESETS = {
    "mid-frame": encode(TEXT, message("half"))[:20],
    "mid-header": b"\x81",
    "mid-message": encode(TEXT, b'{"type"', fin=False),
    "during our close": encode(CONTINUATION, b"x"),
    "idle": b"",
}


@pytest.mark.parametrize("case", RESETS)
def test_48_a_reset_is_cleaned_up_within_100_ms(server, fleet, case):
    with Raw(server.port) as watcher:
        watcher.open("watcher")
        answer = watcher.ask({"type": "join", "id": 1, "group": "resets", "presence": "full"})
        assert answer["type"] == "ok", answer
        for _ in range(5):
            peer = Raw(server.port).open("fault", "resets")
            while "fault" not in watcher.json().get("joined", {}):
                pass
            peer.send(RESETS[case])
            peer.reset()
            left_within(watcher, "fault", 0.1 * ROOM)


def test_49_a_half_close_is_a_close(server, fleet):
    with Raw(server.port) as watcher:
        watcher.open("watcher")
        watcher.ask({"type": "join", "id": 1, "group": "half", "presence": "full"})
        with Raw(server.port) as peer:
            peer.open("fault", "half")
            while "fault" not in watcher.json().get("joined", {}):
                pass
            peer.finish()
            left_within(watcher, "fault", ROOM)
            peer.close_code()


def test_the_bystanders_lost_nothing(fleet):
    fleet.lost_nothing()
