"""What the clients of a run did and saw, and whether the promises of protocol.md section 6 hold for it.

One process keeps it, and tells it each thing as it happens: the order of its calls is the order of the run. A message is known by its
sender's session and its number there, and carries both as `data`.
"""

REFUSED = ("offline", "overloaded")
SHOWN_MAX = 20


class Session:
    """One connection. `ended` is when it broke; None for one that lasted to the end of the run."""

    __slots__ = ("number", "uid", "began", "ended", "messages", "last")

    def __init__(self, number, uid, began):
        self.number, self.uid, self.began, self.ended = number, uid, began, None
        self.messages = []
        self.last = {}  # (sender's session, group) to the number of its last message that came

    def stayed(self, since):
        """Whether it lasted from `since` to the end of the run."""
        return self.began <= since and self.ended is None


class Message:
    """`to` has uids; None: a publication. `result` is None until the answer comes: then {uid: outcome} of those that did not get
    it, or a publication's count."""

    __slots__ = ("sent", "group", "to", "confirm", "asked", "result", "answered", "readers")

    def __init__(self, sent, group, to, confirm, asked):
        self.sent, self.group, self.to, self.confirm, self.asked = sent, group, to, confirm, asked
        self.result, self.answered, self.readers = None, None, ()


class History:
    def __init__(self):
        self.now = 0
        self.sessions = []
        self.of_uid = {}
        self.wrong = []  # found while it happened
        self.reads = 0

    # --- what happens ---

    def _tick(self):
        self.now += 1
        return self.now

    def began(self, uid):
        """A session of `uid` has its welcome. @returns what stands for it."""
        session = Session(len(self.sessions), uid, self._tick())
        self.sessions.append(session)
        self.of_uid.setdefault(uid, []).append(session)
        return session

    def ended(self, session):
        """Its connection broke. Not for the orderly end of the run, which comes behind everything."""
        session.ended = self._tick()

    def sent(self, session, group, to=None, confirm=None, asked=True):
        """@returns the `data` that it must carry."""
        session.messages.append(Message(self._tick(), group, to, confirm, asked))
        return [session.number, len(session.messages) - 1]

    def answered(self, session, number, result):
        """`result`: {uid: outcome} of those that did not get it; a publication's count."""
        message = session.messages[number]
        if message.answered:
            self.wrong.append(f"answered twice: {self._name(session, number)}")
        message.answered, message.result = self._tick(), result

    def read(self, session, group, data):
        self._tick()
        self.reads += 1
        sender, number = data
        if sender >= len(self.sessions) or number >= len(self.sessions[sender].messages):
            self.wrong.append(f"read, but never sent: {data}")
            return
        name = self._name(self.sessions[sender], number)
        message = self.sessions[sender].messages[number]
        if message.group != group or (message.to is not None and session.uid not in message.to):
            self.wrong.append(f"read by {session.uid} in {group}, for whom it was not: {name}")
        last = session.last.get((sender, group), -1)
        if session.number in message.readers:
            self.wrong.append(f"read twice by session {session.number}: {name}")
        elif number < last:
            self.wrong.append(f"read by session {session.number} behind {last}: {name}")
        session.last[sender, group] = max(last, number)
        message.readers += (session.number,)

    # --- what must hold ---

    def violations(self):
        """Sentences, none where all is well. To be asked when nothing is on its way any more."""
        found = list(self.wrong)
        for sender in self.sessions:
            for number, message in enumerate(sender.messages):
                found += [f"{why}: {self._name(sender, number)}" for why in self._check(sender, number, message)]
        return found

    def check(self):
        found = self.violations()
        assert not found, "\n".join([f"{len(found)} violations", *found[:SHOWN_MAX]])

    def _check(self, sender, number, message):
        if message.answered is None:
            if message.asked and sender.ended is None:
                yield "no outcome, though its sender stayed"
            return
        if message.to is None:
            lost = sum(self._broke_before_it(s, sender, number, message) for s in self.sessions) if message.result else 0
            if len(message.readers) + lost < message.result:
                yield f"counted {message.result}, read by {len(message.readers)}, lost with {lost} sessions at most"
            return
        for uid in message.to:
            what = message.result.get(uid, "delivered")
            readers = [self.sessions[r] for r in message.readers if self.sessions[r].uid == uid]
            lost = any(self._broke_before_it(s, sender, number, message) for s in self.of_uid.get(uid, ()))
            if what == "delivered" and not readers and not lost:
                yield f"delivered at {message.confirm} to {uid}, which stayed and did not read it"
            if what in REFUSED and any(r.stayed(message.sent) for r in readers):
                yield f"{what} for {uid}, which stayed and read it"

    @staticmethod
    def _broke_before_it(session, sender, number, message):
        """Whether the session could get the message and took it along when it broke: it has read nothing that came behind it."""
        could = session.began < message.answered and session.ended is not None and session.ended > message.sent
        return could and session.last.get((sender.number, message.group), -1) < number

    @staticmethod
    def _name(session, number):
        message = session.messages[number]
        return f"message {number} of session {session.number} ({session.uid}, {message.group} -> {message.to or 'all'})"

    def figures(self):
        """How many there were of what."""
        found = {"sessions": len(self.sessions), "reads": self.reads, "messages": 0, "publications": 0, "without outcome": 0}
        for session in self.sessions:
            for message in session.messages:
                found["messages"] += 1
                found["publications"] += message.to is None
                found["without outcome"] += message.asked and message.answered is None
                for uid in message.to or () if message.answered else ():
                    what = message.result.get(uid, "delivered")
                    found[what] = found.get(what, 0) + 1
        return found
