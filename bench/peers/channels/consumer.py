"""The tutorial's asynchronous chat consumer. A member is reached through a group of its own, as the documentation of Channels
proposes for single users; everything else is the tutorial's."""

import json
import time
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer


class ChatConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        query = parse_qs(self.scope["query_string"].decode())
        self.uid, self.room_name = query["uid"][0], query["group"][0]
        self.room_group_name = f"chat_{self.room_name}"
        self.own_group_name = self.group_of(self.uid)
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)
        await self.channel_layer.group_add(self.own_group_name, self.channel_name)
        await self.accept()
        await self.send(text_data=json.dumps({"type": "welcome", "user": self.uid}, separators=(",", ":")))

    def group_of(self, uid):
        return f"member_{self.room_name}_{uid}"

    async def disconnect(self, close_code):
        await self.channel_layer.group_discard(self.room_group_name, self.channel_name)
        await self.channel_layer.group_discard(self.own_group_name, self.channel_name)

    async def receive(self, text_data):
        frame = json.loads(text_data)
        group = self.group_of(frame["to"]) if frame["type"] == "send" else self.room_group_name
        kind = "direct" if frame["type"] == "send" else "message"
        await self.channel_layer.group_send(
            group, {"type": "chat_message", "kind": kind, "from": self.uid, "data": frame["data"]}
        )
        if "id" in frame:
            await self.send(text_data=json.dumps({"type": "ok", "id": frame["id"]}, separators=(",", ":")))

    async def chat_message(self, event):
        if event["kind"] == "message" and event["from"] == self.uid:
            return
        frame = {"type": event["kind"], "group": self.room_name, "from": event["from"], "at": int(time.time() * 1000)}
        await self.send(text_data=json.dumps(frame | {"data": event["data"]}, separators=(",", ":")))
