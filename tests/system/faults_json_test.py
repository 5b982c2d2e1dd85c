"""faults.md C3: JSON that is none, and frames that say what they may not say."""

import itertools
import json
import statistics
import string
import time

import pytest

from harness import ROOM
from raw import TEXT, Closed, Raw, encode

SEND = {"type": "send", "id": 7, "group": "json", "to": "fault", "data": "x"}


@pytest.fixture
def peer(server, fleet):
    with Raw(server.port) as connection:
        yield connection.open("fault", "json")


def with_data(raw, id=7):
    """A send to oneself whose data are the bytes `raw`."""
    return b'{"type":"send","id":%d,"group":"json","to":"fault","data":%s}' % (id, raw)


def error(peer, text):
    """Sends one message; the answer must be an error. The connection stays."""
    peer.text(text)
    answer = peer.json()
    assert answer["type"] == "error", answer
    peer.text({"type": "ping"})
    assert peer.json()["type"] == "pong"
    return answer


BAD_JSON = {
    "54 not JSON": b"hello",
    "54 truncated": b'{"type":"ping"',
    "54 truncated in a string": b'{"type":"pi',
    "54 two documents on one line": b'{"type":"ping"}{"type":"ping"}',
    "54 two documents with a blank": b'{"type":"ping"} {"type":"ping"}',
    "54 BOM": b'\xef\xbb\xbf{"type":"ping"}',
    "54 trailing comma": b'{"type":"ping",}',
    "54 NaN": with_data(b"NaN"),
    "54 Infinity": with_data(b"-Infinity"),
    "54 a comment": b'{"type":"ping"/* */}',
    "54 single quotes": b"{'type':'ping'}",
    "54 a leading zero": with_data(b"01"),
    "54 a raw control character": b'{"type":"ping","x":"a\tb"}',
    "56 depth 33 inside data": with_data(b"[" * 33 + b"]" * 33),
    "56 depth 30,000 inside data": with_data(b"[" * 30000 + b"]" * 30000),
    "56 depth 30,000, never closed": with_data(b"[" * 30000),
    "56 objects of depth 33 inside data": with_data(b'{"a":' * 33 + b"1" + b"}" * 33),
    "67 a lone high surrogate": with_data(b'"\\ud800"'),
    "67 a lone low surrogate": with_data(b'"\\udc00"'),
    "67 a lone surrogate in a name": b'{"type":"join","id":1,"group":"a\\ud800"}',
}


@pytest.mark.parametrize("case", BAD_JSON)
def test_what_is_not_json_is_bad_json(peer, case):
    assert error(peer, BAD_JSON[case])["code"] == "bad_json"


BAD_REQUEST = {
    "55 an array": "[]",
    "55 a string": '"ping"',
    "55 null": "null",
    "55 a number": "1",
    "55 true": "true",
    "no type": "{}",
    "a type that is no string": '{"type":1}',
    "57 to twice": '{"type":"send","id":7,"group":"json","to":"fault","to":"other","data":1}',
    "57 type twice": '{"type":"ping","type":"ping"}',
    "57 a known field twice, once escaped": '{"type":"send","id":7,"group":"json","to":"fault","t\\u006f":"a","data":1}',
    "62 to without recipients": {**SEND, "to": []},
    "a send without data": {k: v for k, v in SEND.items() if k != "data"},
    "a send to nobody": '{"type":"send","id":7,"data":1}',
    "a send to a group's nobody": '{"type":"send","id":7,"group":"json","data":1}',
    "a send to a user and a session": '{"type":"send","id":7,"user":"a","session":"b","data":1}',
    "a send to members and a user": {**SEND, "user": "a"},
    "a confirmation of another kind": {**SEND, "confirm": "perhaps"},
    "ttl 0": {**SEND, "ttl": 0},
    "ttl 61": {**SEND, "ttl": 61},
    "a timeout of 49 ms": '{"type":"request","id":7,"group":"json","to":"fault","data":1,"timeout_ms":49}',
    "a timeout of 60001 ms": '{"type":"request","id":7,"group":"json","to":"fault","data":1,"timeout_ms":60001}',
    "a request to a list": '{"type":"request","id":7,"group":"json","to":["a","b"],"data":1}',
    "presence of another kind": '{"type":"join","id":7,"group":"g","presence":"some"}',
    "interest of another kind": '{"type":"join","id":7,"group":"g","interest":"none"}',
    "70 33 top-level fields": {"type": "ping", **{f"x{i}": i for i in range(32)}},
}


@pytest.mark.parametrize("case", BAD_REQUEST)
def test_what_a_frame_may_not_say_is_a_bad_request(peer, case):
    answer = error(peer, BAD_REQUEST[case])
    assert answer["code"] == "bad_request", answer
    frame = BAD_REQUEST[case]
    if '"id":7' in (frame if isinstance(frame, str) else json.dumps(frame, separators=(",", ":"))):
        assert answer["id"] == 7, answer


BAD_IDS = ["-1", "0", '"1"', "9007199254740992", "18446744073709551616", "1e999", "1.5", "null", "[1]", "true"]


@pytest.mark.parametrize("value", BAD_IDS)
def test_60_an_invalid_id_is_a_bad_request_and_not_echoed(peer, value):
    answer = error(peer, '{"type":"leave","id":%s,"group":"json"}' % value)
    assert answer["code"] == "bad_request" and "id" not in answer, answer
    assert "nf" not in json.dumps(answer).replace("information", ""), "an infinity was echoed"


def test_60_the_largest_id_is_answered(peer):
    assert peer.ask({**SEND, "id": 2**53 - 1})["type"] == "ok"


def test_54_ten_errors_within_a_minute_close_4009(server, fleet):
    with Raw(server.port) as peer:
        peer.open("fault")
        for _ in range(9):
            error(peer, "oops")
        peer.text("oops")
        bye = None
        with pytest.raises(Closed) as closed:
            while True:
                frame = peer.json()
                bye = frame if frame["type"] == "bye" else bye
        assert closed.value.code == 4009 and closed.value.reason == "too_many_errors"
        assert bye["code"] == "too_many_errors" and bye["reconnect"] is False


def test_58_an_unknown_type_is_told_with_and_without_id(peer):
    answer = error(peer, {"type": "dance", "id": 3})
    assert (answer["code"], answer["id"]) == ("unknown_type", 3)
    assert error(peer, {"type": "dance"})["code"] == "unknown_type"


def test_58_unknown_fields_are_ignored(peer):
    assert peer.ask({**SEND, "colour": [1, {"to": "other"}], "color": "red"})["type"] == "ok"
    # 32 top-level fields are the most.
    assert peer.ask({**SEND, **{f"x{i}": i for i in range(27)}})["type"] == "ok"


CANARY = "canary7391"
VALUES = {
    "null": None,
    "boolean": True,
    "integer": 73917391,
    "fraction": 7391.5,
    "string": CANARY,
    "array": [[CANARY]],
    "object": {CANARY: 1},
}
# What a frame is but for the field under test, and which of the seven JSON types the field may have.
FIELDS = {
    ("join", "group"): ({}, {"string"}),
    ("join", "as"): ({"group": "json"}, {"string"}),
    ("join", "presence"): ({"group": "json"}, {"string"}),
    ("join", "interest"): ({"group": "json"}, {"string"}),
    ("update", "group"): ({"presence": "none"}, {"string"}),
    ("update", "presence"): ({"group": "json"}, {"string"}),
    ("update", "interest"): ({"group": "json"}, {"string"}),
    ("leave", "group"): ({}, {"string"}),
    ("send", "group"): ({"to": "fault", "data": 1}, {"string"}),
    ("send", "to"): ({"group": "json", "data": 1}, {"string"}),
    ("send", "user"): ({"data": 1}, {"string"}),
    ("send", "session"): ({"data": 1}, {"string"}),
    ("send", "ttl"): ({"group": "json", "to": "fault", "data": 1}, {"integer"}),
    ("send", "confirm"): ({"group": "json", "to": "fault", "data": 1}, {"string"}),
    ("publish", "group"): ({"data": 1}, {"string"}),
    ("publish", "except"): ({"group": "json", "data": 1}, set()),
    ("publish", "echo"): ({"group": "json", "data": 1}, {"boolean"}),
    ("request", "to"): ({"group": "json", "data": 1}, {"string"}),
    ("request", "user"): ({"data": 1}, {"string"}),
    ("request", "session"): ({"data": 1}, {"string"}),
    ("request", "timeout_ms"): ({"group": "json", "to": "fault", "data": 1}, {"integer"}),
    ("roster", "group"): ({}, {"string"}),
    ("roster", "limit"): ({"group": "json"}, {"integer"}),
    ("roster", "after"): ({"group": "json"}, {"string"}),
    ("hello", "batch"): ({}, {"boolean"}),
    ("hello", "binary"): ({}, {"boolean"}),
}


@pytest.mark.parametrize("kind, field", FIELDS)
def test_59_a_wrong_type_of_a_field_names_the_field_never_the_value(peer, kind, field):
    rest, allowed = FIELDS[kind, field]
    for number, name in enumerate(sorted(VALUES.keys() - allowed), start=1):
        answer = error(peer, {"type": kind, "id": number, **rest, field: VALUES[name]})
        assert (answer["code"], answer.get("id")) == ("bad_request", number), (name, answer)
        assert field in answer["message"], (name, answer)
        assert CANARY not in json.dumps(answer) and "7391" not in json.dumps(answer), (name, answer)


BAD_NAMES = {
    "empty": "",
    "U+0000": "a\0b",
    "U+0001": "\x01",
    "a line feed": "a\nb",
    "DEL": "a\x7f",
    "C1": "a\x85b",
    "a leading $": "$sys",
}
GOOD_NAMES = {
    "RTL override": "a\u202eb",
    "composed": "caf\u00e9",
    "decomposed": "cafe\u0301",
    "star": "*",
    "slash": "a/b",
    "dots": "../..",
    "emoji": "\U0001f600",
    "quotes": 'a"b\\c',
    "blank": " ",
    "$ inside": "a$b",
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_61_a_bad_group_or_member_name_is_a_bad_request(peer, name):
    value = BAD_NAMES[name]
    assert peer.ask({"type": "join", "id": 1, "group": value})["code"] == "bad_request"
    assert peer.ask({**SEND, "to": value})["code"] == "bad_request"
    assert peer.ask({**SEND, "to": ["fault", value]})["code"] == "bad_request"
    assert peer.ask({"type": "send", "id": 2, "user": value, "data": 1})["code"] == "bad_request"


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_61_every_other_name_is_legal(peer, name):
    value = GOOD_NAMES[name]
    assert peer.ask({"type": "join", "id": 1, "group": value})["type"] == "ok"
    answer = peer.ask({"type": "send", "id": 2, "group": value, "to": value, "data": 1})
    assert answer["outcomes"] == {value: "offline"}, answer


def test_61_names_are_limited_in_bytes_not_characters(peer):
    assert peer.ask({"type": "join", "id": 1, "group": "g" * 200})["type"] == "ok"
    assert peer.ask({"type": "join", "id": 2, "group": "é" * 100})["type"] == "ok"
    assert peer.ask({"type": "join", "id": 3, "group": "g" * 201})["code"] == "bad_request"
    assert peer.ask({"type": "join", "id": 4, "group": "é" * 100 + "g"})["code"] == "bad_request"
    assert peer.ask({**SEND, "to": "é" * 64})["outcomes"] == {"é" * 64: "offline"}
    assert peer.ask({**SEND, "to": "u" * 129})["code"] == "bad_request"


def test_61_names_are_compared_byte_by_byte(peer):
    for number, group in enumerate(("caf\u00e9", "cafe\u0301", "A", "a"), start=1):
        answer = peer.ask({"type": "send", "id": number, "group": group, "to": "fault", "data": 1})
        assert answer["code"] == "not_member"
        assert peer.ask({"type": "join", "id": number, "group": group})["type"] == "ok"


def test_62_the_number_of_recipients(peer):
    names = [f"r{i}" for i in range(257)]
    assert peer.ask({**SEND, "to": names})["code"] == "too_many"
    assert len(peer.ask({**SEND, "to": names[:256]})["outcomes"]) == 256
    assert peer.ask({"type": "publish", "id": 1, "group": "json", "data": 1, "except": names})["code"] == "too_many"
    assert peer.ask({"type": "publish", "id": 1, "group": "json", "data": 1, "except": names[:256]})["type"] == "ok"


def test_62_duplicates_collapse_and_self_is_a_recipient(peer):
    peer.text({**SEND, "to": ["fault", "absent", "fault", "absent"]})
    assert peer.json()["type"] == "direct"
    answer = peer.json()
    assert answer["type"] == "ok" and answer["outcomes"] == {"absent": "offline"}, answer
    peer.text({"type": "ping"})
    assert peer.json()["type"] == "pong", "the duplicate arrived twice"


def test_63_a_strange_and_an_unknown_group_answer_alike(server, fleet, peer):
    def ask(group):
        start = time.perf_counter()
        answer = peer.ask({**SEND, "group": group})
        return answer, time.perf_counter() - start

    times = {"ring-1": [], "no-such-group": []}
    for _ in range(300):
        for group in times:
            answer, passed = ask(group)
            assert answer["code"] == "not_member"
            times[group].append(passed)
    assert ask("ring-1")[0] == ask("no-such-group")[0]
    medians = sorted(statistics.median(values) for values in times.values())
    assert medians[1] < medians[0] * ROOM


def test_64_a_second_authentication_is_refused(peer):
    assert peer.ask({"type": "hello", "id": 1, "token": "x.y.z"})["code"] == "already_authenticated"
    assert peer.ask({"type": "hello", "id": 2, "client": "test"})["type"] == "ok"


def test_64_a_frame_before_the_authentication_and_the_end_after_five_seconds(server, fleet):
    with Raw(server.port) as peer:
        assert peer.upgrade("/ws").status == 101
        start = time.monotonic()
        for frame in ({"type": "ping"}, {**SEND}, {"type": "join", "id": 3, "group": "json"}):
            peer.text(frame)
            answer = peer.json()
            assert (answer["type"], answer["code"]) == ("error", "unauthenticated"), answer
        bye = peer.json()
        assert (bye["type"], bye["code"]) == ("bye", "auth_timeout"), bye
        assert peer.close_code() == 4001
        assert 4.5 < time.monotonic() - start < 5 + ROOM


def batch(count, **fields):
    return "\n".join(json.dumps({**SEND, "id": i + 1, "data": i, **fields}) for i in range(count))


@pytest.mark.parametrize("count", [65, 500])
def test_65_a_batch_that_is_too_long_is_not_executed(peer, count):
    peer.text(batch(count))
    answer = peer.json()
    assert answer["code"] == "too_many" and "id" not in answer, answer
    peer.text({"type": "ping"})
    assert peer.json()["type"] == "pong", "a frame of the batch was executed"


def test_65_a_batch_of_64_is_executed_and_each_line_has_its_result(peer):
    lines = batch(64).split("\n")
    lines[10] = json.dumps({"type": "leave", "id": 11, "group": "elsewhere"})
    lines[20] = "oops"
    peer.text("\n\n".join(lines))
    answers, directs = {}, []
    while len(answers) < 63 or len(directs) < 62:
        frame = peer.json()
        if frame["type"] == "direct":
            directs.append(frame["data"])
        elif frame.get("id"):
            answers[frame["id"]] = frame
        else:
            assert frame["code"] == "bad_json", frame
    assert directs == [i for i in range(64) if i not in (10, 20)]
    assert answers[11]["code"] == "not_member"
    assert all(a["type"] == "ok" for i, a in answers.items() if i != 11)


def test_66_valid_json_over_64_kib_closes_1009(peer):
    peer.send(encode(TEXT, with_data(b'"' + b"x" * 65536 + b'"')))
    assert peer.close_code() == 1009


def test_56_depth_32_inside_data_is_legal(peer):
    peer.text(with_data(b"[" * 32 + b"]" * 32))
    assert peer.json()["type"] == "direct"
    assert peer.json()["type"] == "ok"


def test_68_nobody_speaks_in_anothers_name(peer):
    before = time.time() * 1000 - 1000
    peer.text({**SEND, "from": "admin", "at": 1, "seq": 1, "offset": 5, "message": 9})
    direct = peer.json()
    assert direct["from"] == "fault" and direct["at"] > before, direct
    assert not {"seq", "offset", "message"} & direct.keys(), direct


PAYLOADS = [
    b"0.1",
    b"12345678901234567890123456789",
    b'{"a":1,"a":2}',
    b'{ "b" : [ 1 , 2 ] }',
    b'"\\u00e9\\/\\ud83d\\ude00"',
    "\"\u00e9\u2028\U0001f600\"".encode(),
    b'"},\\"from\\":\\"admin\\",{\\""',
    b"-0",
    b"null",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_bytes_of_data_are_never_rewritten(peer, payload):
    peer.text(with_data(payload))
    frame = peer.read().payload
    assert b'"type":"direct"' in frame.replace(b": ", b":"), frame
    assert payload in frame, frame


def test_69_leaving_what_was_never_joined_and_joining_twice(peer):
    assert peer.ask({"type": "leave", "id": 1, "group": "never"})["code"] == "not_member"
    first = peer.ask({"type": "join", "id": 2, "group": "twice"})
    second = peer.ask({"type": "join", "id": 3, "group": "twice"})
    assert first["type"] == second["type"] == "ok"
    assert first["as"] == second["as"] == "fault"
    assert peer.ask({"type": "leave", "id": 4, "group": "twice"})["type"] == "ok"
    assert peer.ask({"type": "leave", "id": 5, "group": "twice"})["code"] == "not_member"


def test_70_a_flood_of_keys_costs_nothing(server, fleet, peer):
    letters = string.ascii_lowercase + string.digits
    keys = ["".join(k) for k in itertools.islice(itertools.product(letters, repeat=3), 7500)]
    text = '{"type":"ping",' + ",".join(f'"{k}":1' for k in keys) + "}"
    assert len(text) < 65536
    times = []
    for _ in range(5):
        start = time.perf_counter()
        peer.text(text)
        assert peer.json()["code"] == "bad_request"
        times.append(time.perf_counter() - start)
    assert min(times) < 0.002 * ROOM


LATER = [
    {**SEND, "key": "k"},
    {"type": "publish", "id": 7, "group": "json", "data": 1, "key": "k"},
    {"type": "join", "id": 7, "group": "later", "since": {"epoch": 1, "offset": 0}},
    {"type": "join", "id": 7, "group": "later", "last": 10},
    {"type": "history", "id": 7, "group": "json"},
    {"type": "refresh", "id": 7, "token": "x"},
    {"type": "hello", "id": 7, "resume": {"session": "a", "secret": "b", "received": 0}},
]


@pytest.mark.parametrize("frame", LATER, ids=lambda f: f"{f['type']} {sorted(f)[-1]}")
def test_a_later_feature_is_refused_whole(peer, frame):
    assert peer.ask(frame)["code"] == "not_implemented"
    peer.text({"type": "ping"})
    assert peer.json()["type"] == "pong", "a part of it was done"


def test_the_bystanders_lost_nothing(fleet):
    fleet.lost_nothing()
