// Node's `ws` drives a real server through the whole protocol: BECKON_PORT=8080 node --test protocol.mjs
// One test per part of protocol.md; node:test prints them and sets the exit code.

import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, test } from "node:test";
import WebSocket from "ws";

const base = `ws://127.0.0.1:${process.env.BECKON_PORT}/ws`;
const wait = 10_000;

const sockets = new Set();

class Client {
  constructor(query, options = {}) {
    this.socket = new WebSocket(base + query, options.protocols ?? ["beckon.v1"], { perMessageDeflate: true });
    sockets.add(this.socket);
    this.inbox = [];
    this.waiting = [];
    this.answers = new Map();
    this.lastId = 0;
    this.closed = once(this.socket, "close").then(([code, reason]) => ({ code, reason: String(reason) }));
    this.socket.on("message", (data, isBinary) => this.#take(data, isBinary));
    this.socket.on("error", () => {});
  }

  static async open(query, options) {
    const client = new Client(query, options);
    client.welcome = await client.next("welcome");
    return client;
  }

  #take(data, isBinary) {
    for (const frame of isBinary ? [split(data)] : String(data).split("\n").map((line) => JSON.parse(line))) {
      const answer = this.answers.get(frame.id);
      if (answer) {
        this.answers.delete(frame.id);
        answer(frame);
      } else if (this.waiting.length) this.waiting.shift()(frame);
      else this.inbox.push(frame);
    }
  }

  tell(type, fields = {}) {
    this.socket.send(JSON.stringify({ type, ...fields }));
  }

  answer(type, fields = {}) {
    return this.#ask((id) => JSON.stringify({ type, id, ...fields }));
  }

  answerBinary(payload, type, fields = {}) {
    return this.#ask((id) => binary({ type, id, ...fields }, payload));
  }

  #ask(message) {
    const id = ++this.lastId;
    const answer = new Promise((resolve) => this.answers.set(id, resolve));
    this.socket.send(message(id));
    return within(answer, `the answer to ${id}`);
  }

  async ask(type, fields) {
    const frame = await this.answer(type, fields);
    assert.equal(frame.type, "ok", JSON.stringify(frame));
    return frame;
  }

  async refused(type, fields) {
    const frame = await this.answer(type, fields);
    assert.equal(frame.type, "error", JSON.stringify(frame));
    return frame.code;
  }

  async next(type) {
    const frame = this.inbox.length
      ? this.inbox.shift()
      : await within(new Promise((resolve) => this.waiting.push(resolve)), `a ${type}`);
    if (type) assert.equal(frame.type, type, JSON.stringify(frame));
    return frame;
  }

  async close(code = 1000) {
    this.socket.close(code);
    return this.closed;
  }
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not come: ${what}`)), wait);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function binary(header, payload) {
  const head = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(head.length);
  return Buffer.concat([length, head, payload]);
}

function split(message) {
  const size = message.readUInt16BE(0);
  return { ...JSON.parse(message.subarray(2, 2 + size)), payload: message.subarray(2 + size) };
}

async function members(group, ...uids) {
  return Promise.all(uids.map((uid) => Client.open(`?uid=${uid}&group=${group}`)));
}

// A test that failed leaves its sockets open, and Node would wait for them.
afterEach(() => {
  for (const socket of sockets) socket.terminate();
  sockets.clear();
});

const all = (clients) => Promise.all(clients.map((client) => client.close()));

test("the smallest client: a URL and one line", async () => {
  const [alice, bob] = await members("n-small", "alice", "bob");
  alice.socket.send('{"type":"send","to":"bob","data":"hi"}');
  const direct = await bob.next("direct");
  assert.deepEqual([direct.group, direct.from, direct.data], ["n-small", "alice", "hi"]);
  await all([alice, bob]);
});

test("a client without a sub-protocol gets beckon.v1, compression is not agreed on", async () => {
  const alice = await Client.open("?uid=alice", { protocols: [] });
  assert.equal(alice.socket.extensions, "");
  assert.equal((await alice.close()).code, 1000);
});

test("hello, join, update, leave", async () => {
  const alice = await Client.open("?uid=alice");
  await alice.ask("hello", { client: "ws", binary: false });
  const joined = await alice.ask("join", { group: "n-life", presence: "full", meta: { a: 1 } });
  assert.deepEqual(joined.members, { alice: { meta: { a: 1 }, sessions: 1 } });
  // The frame that tells the others that alice has come tells alice, too.
  let presence = await alice.next("presence");
  assert.deepEqual(Object.keys(presence.joined), ["alice"]);
  const bob = await Client.open("?uid=bob&group=n-life");
  presence = await alice.next("presence");
  assert.deepEqual([presence.version, presence.joined], [joined.version + 2, { bob: { sessions: 1 } }]);
  await bob.ask("update", { group: "n-life", meta: "x" });
  presence = await alice.next("presence");
  assert.deepEqual([presence.version, presence.updated], [joined.version + 3, { bob: { meta: "x", sessions: 1 } }]);
  await bob.ask("leave", { group: "n-life" });
  presence = await alice.next("presence");
  assert.deepEqual([presence.version, presence.left], [joined.version + 4, ["bob"]]);
  assert.equal(await bob.refused("leave", { group: "n-life" }), "not_member");
  await all([alice, bob]);
});

test("presence as a count", async () => {
  const alice = await Client.open("?uid=alice");
  assert.equal((await alice.ask("join", { group: "n-count", presence: "count" })).count, 1);
  const [bob] = await members("n-count", "bob");
  let presence;
  do {
    presence = await alice.next("presence");
    assert.equal("version" in presence, false);
  } while (presence.count !== 2);
  await all([alice, bob]);
});

test("send: to members, a user, a session, with outcomes", async () => {
  const [alice, bob, carol] = await members("n-send", "n-alice", "n-bob", "n-carol");
  const ok = await alice.ask("send", { group: "n-send", to: ["n-bob", "ghost", "n-carol"], data: [1] });
  assert.deepEqual(ok.outcomes, { ghost: "offline" });
  assert.deepEqual((await bob.next("direct")).data, [1]);
  assert.deepEqual((await carol.next("direct")).data, [1]);
  await alice.ask("send", { user: "n-bob", data: 2 });
  assert.equal((await bob.next("direct")).group, undefined);
  await alice.ask("send", { session: carol.welcome.session, data: 3 });
  assert.equal((await carol.next("direct")).data, 3);
  const error = await alice.answer("send", { group: "n-send", to: "ghost", data: 4 });
  assert.deepEqual([error.code, error.outcomes], ["not_delivered", { ghost: "offline" }]);
  await all([alice, bob, carol]);
});

test("the three levels of confirmation", async () => {
  const [alice, bob] = await members("n-confirm", "alice", "bob");
  await alice.ask("send", { to: "bob", data: 1, confirm: "queued" });
  await alice.ask("send", { to: "bob", data: 2, confirm: "written" });
  const asked = alice.ask("send", { to: "bob", data: 3, confirm: "received" });
  await bob.next("direct"), await bob.next("direct");
  const { message } = await bob.next("direct");
  bob.tell("received", { message });
  await asked;
  const late = await alice.answer("send", { to: "bob", data: 4, confirm: "received", ttl: 1 });
  assert.deepEqual(late.outcomes, { bob: "expired" });
  await all([alice, bob]);
});

test("publish: echo, except, count, passive members", async () => {
  const [alice, bob, carol] = await members("n-pub", "alice", "bob", "carol");
  assert.equal((await alice.ask("publish", { data: 1, group: "n-pub", echo: true })).count, 3);
  for (const client of [alice, bob, carol]) assert.equal((await client.next("message")).data, 1);
  assert.equal((await alice.ask("publish", { data: 2, group: "n-pub", except: ["bob"] })).count, 1);
  assert.equal((await carol.next("message")).data, 2);
  await carol.ask("update", { group: "n-pub", interest: "direct" });
  assert.equal((await alice.ask("publish", { data: 3, group: "n-pub" })).count, 1);
  assert.equal((await bob.next("message")).data, 3);
  await all([alice, bob, carol]);
});

test("request and reply, an error of the callee, its end, a time-out", async () => {
  const [alice, bob] = await members("n-req", "alice", "bob");
  let asked = alice.ask("request", { to: "bob", data: "?" });
  let request = await bob.next("request");
  bob.tell("reply", { request: request.request, data: "!" });
  assert.deepEqual([(await asked).data, (await asked).from], ["!", "bob"]);
  asked = alice.refused("request", { to: "bob", data: "?" });
  request = await bob.next("request");
  bob.tell("reply", { request: request.request, error: { code: "no_tea", message: "none" } });
  assert.equal(await asked, "no_tea");
  assert.equal(await alice.refused("request", { to: "bob", data: "?", timeout_ms: 100 }), "timeout");
  await bob.next("request");
  asked = alice.refused("request", { to: "bob", data: "?" });
  await bob.next("request");
  bob.socket.terminate();
  assert.equal(await asked, "callee_gone");
  assert.equal(await alice.refused("request", { to: "bob", data: "?" }), "not_delivered");
  await alice.close();
});

test("the roster in pages", async () => {
  const clients = await members("n-roster", ...Array.from({ length: 12 }, (_, i) => `r${i}`));
  // The roster is the state of the last version, at most 50 ms old.
  while (Object.keys((await clients[0].ask("roster", { group: "n-roster" })).members).length < 12);
  const seen = [];
  let page = {};
  do {
    page = await clients[0].ask("roster", { group: "n-roster", limit: 5, ...(page.next && { after: page.next }) });
    seen.push(...Object.keys(page.members));
  } while (page.next);
  assert.equal(seen.length, 12);
  assert.equal(new Set(seen).size, 12);
  await all(clients);
});

test("binary payloads, and base64 for who cannot", async () => {
  const [alice, bob, carol] = await members("n-bin", "alice", "bob", "carol");
  await bob.ask("hello", { binary: true });
  const payload = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 256));
  const ok = await alice.answerBinary(payload, "send", { group: "n-bin", to: ["bob", "carol"] });
  assert.equal(ok.type, "ok");
  assert.deepEqual((await bob.next("direct")).payload, payload);
  assert.deepEqual(Buffer.from((await carol.next("direct")).base64, "base64"), payload);
  await all([alice, bob, carol]);
});

test("batches, both ways", async () => {
  const [alice, bob] = await members("n-batch", "alice", "bob");
  await bob.ask("hello", { batch: true });
  const lines = Array.from({ length: 64 }, (_, i) => JSON.stringify({ type: "send", to: "bob", data: i }));
  alice.socket.send(lines.join("\n"));
  for (let i = 0; i < 64; ++i) assert.equal((await bob.next("direct")).data, i);
  alice.socket.send([...lines, lines[0]].join("\n"));
  assert.equal((await alice.next("error")).code, "too_many");
  await all([alice, bob]);
});

test("bad input is told, and ten times is enough", async () => {
  const alice = await Client.open("?uid=alice");
  alice.socket.send("oops");
  assert.equal((await alice.next("error")).code, "bad_json");
  alice.tell("dance");
  assert.equal((await alice.next("error")).code, "unknown_type");
  assert.equal(await alice.refused("send", { data: 1 }), "bad_request");
  assert.equal(await alice.refused("history", { group: "g" }), "not_implemented");
  for (let i = 0; i < 10; ++i) alice.socket.send("oops");
  const { code, reason } = await within(alice.closed, "the close");
  assert.deepEqual([code, reason], [4009, "too_many_errors"]);
});

test("too large a message closes 1009", async () => {
  const alice = await Client.open("?uid=alice");
  alice.socket.send("x".repeat(65537));
  assert.equal((await within(alice.closed, "the close")).code, 1009);
});

test("ping of the protocol, ping of the WebSocket", async () => {
  const alice = await Client.open("?uid=alice");
  alice.tell("ping");
  await alice.next("pong");
  const pong = once(alice.socket, "pong");
  alice.socket.ping("1234");
  assert.equal(String((await within(pong, "a pong"))[0]), "1234");
  await alice.close();
});
