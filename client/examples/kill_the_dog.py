"""Registers, finds a dog, kills it, loots it, leaves, comes back, and checks that everything is still there.

Written from ../PROTOCOL.md alone; needs what tests/requirements.txt says. Exit code 0 if all went well, 1 if not.
"""

import math
import random
import struct
import sys
import time

import msgpack
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

VERSION, DOG, STRIKE, REACH, DEAD, STEP_S = 1, "mobs/dog", "spells/strike", 1.3, 2, 60


def class_id(name):
    number = 0x811C9DC5
    for byte in name.encode():
        number = (number ^ byte) * 0x01000193 & 0xFFFFFFFF
    return number


FIELDS = {
    "welcome": "protocol realm",
    "logged_in": "name token",
    "entered": "channel map width height cell me x y hp hp_max xp coins items spells",
    "you": "hp hp_max xp level",
    "looted": "target items coins",
    "refused": "sequence code text",
    **{"struck": "spell by target amount", "killed": "target xp", "died": "by"},
    **{"respawned": "x y", "left": "", "goodbye": "code"},
}
EVENTS = {class_id("client.event." + name): (name, fields.split()) for name, fields in FIELDS.items()}


class Missed(Exception):
    """What should have happened did not."""


class View:
    """What is to be seen: for each cell its version and who is listed there."""

    def __init__(self):
        self.cells, self.told = {}, 0

    def entities(self):
        """All in view by handle; who is listed twice is where it was told whole last."""
        listed = [entry for _, entries in self.cells.values() for entry in entries.items()]
        return dict(sorted(listed, key=lambda entry: entry[1]["told"]))

    def apply(self, frame):
        at = 0

        def read(layout):
            nonlocal at
            values = struct.unpack_from("<" + layout, frame, at)
            at += struct.calcsize("<" + layout)
            return values if len(values) > 1 else values[0]

        kind, x, y, epoch, sequence, count = read("BHHIIH")
        cell, version = (x, y), (epoch, sequence)
        known, listed = self.cells.get(cell, (None, {}))
        if (known is None or version <= known) if kind == 0 else (known and version < known):
            return
        listed = {} if kind == 1 else listed
        self.cells[cell] = (version, listed)
        for _ in range(count):
            handle, mask = read("HB")
            if mask == 0x80:
                read("HH") if read("B") == 1 else None
                listed.pop(handle, None)
                continue
            part = {}
            if mask & 1:
                part["at"] = [steps / 32 for steps in read("HH")]
            if mask & 2:
                part["hp"] = read("HH")
            if mask & 4:
                part["state"] = read("B")
            if mask & 8:
                part["kind"], part["name"] = (read(f"{read('B')}s").decode() for _ in range(2))
                self.told = part["told"] = self.told + 1
                listed[handle] = part
            elif handle in listed:
                listed[handle].update(part)


class Client:
    """One connection and the player on it."""

    def __init__(self, url):
        self.socket, self.sequence, self.view, self.me = connect(url), 0, View(), {}
        if self.until("welcome")["protocol"] != VERSION:
            raise Missed("the realm speaks another version")

    def send(self, command, *fields):
        self.sequence += 1
        head = struct.pack("<BII", VERSION, class_id("client." + command), self.sequence)
        self.socket.send(head + msgpack.packb(fields, use_single_float=True))

    def frame(self):
        """Takes in one server frame; returns its events by name."""
        frame, at, events = self.socket.recv(timeout=10), 18, {}
        while at < len(frame):
            kind, length = struct.unpack_from("<BI", frame, at)
            section, at = frame[at + 5 : at + 5 + length], at + 5 + length
            if kind == 1:
                name, fields = EVENTS.get(int.from_bytes(section[:4], "little"), ("unknown", []))
                events[name] = dict(zip(fields, msgpack.unpackb(section[4:])))
                self.learn(name, events[name])
            elif kind == 2:
                self.view.apply(section)
            else:
                self.view.cells.pop(struct.unpack("<HH", section), None)
        return events

    def learn(self, name, event):
        if name in ("entered", "left"):
            self.view = View()
        if name == "entered":
            self.me = dict(event, at=[event["x"], event["y"]], items=dict(event["items"]), dead=False)
        elif name == "you":
            self.me.update(event)
        elif name in ("died", "respawned"):
            self.me["dead"] = name == "died"
        elif name == "looted":
            self.me["coins"] += event["coins"]
            for item, count in event["items"]:
                self.me["items"][item] = self.me["items"].get(item, 0) + count

    def until(self, answer, *command):
        end = time.monotonic() + STEP_S
        if command:
            self.send(*command)
        while time.monotonic() < end:
            events = self.frame()
            if "goodbye" in events or events.get("refused", {}).get("sequence") == self.sequence:
                raise Missed(f"{answer} did not come, but {events}")
            if answer in events:
                return events[answer]
        raise Missed(f"{answer} did not come")

    def act(self, answer, command, goal):
        """Walks to goal(), a place and perhaps a handle, and gives the command there until its answer comes."""
        now = time.monotonic()
        end, again, moved, spot, aside, aside_until = now + STEP_S, now, now, None, None, now
        while (now := time.monotonic()) < end:
            events = self.frame()
            if answer in events:
                return events[answer]
            here = self.view.entities().get(self.me["me"], self.me)["at"]
            if here != spot or "struck" in events:
                spot, moved = here, now
            if now < again or self.me["dead"]:
                continue
            again, (there, handle) = now + 0.3, goal(here)
            if handle and math.dist(here, there) < REACH and random.random() < 0.8:
                self.send(command, *([STRIKE] if command == "cast" else []), handle)
                continue
            if now - moved > 1:  # Something is in the way: walk around it.
                moved, aside, aside_until = now, [along + random.uniform(-6, 6) for along in here], now + 1.5
            self.send("move", *(aside if now < aside_until else there))
        raise Missed(f"{command} had no {answer}")


def nearest_dog(client, here):
    seen = client.view.entities().items()
    dogs = [(it["at"], handle) for handle, it in seen if it["kind"] == DOG and it["state"] != DEAD]
    middle = ([client.me["width"] / 2, client.me["height"] / 2], None)
    return min(dogs, key=lambda dog: math.dist(here, dog[0]), default=middle)


def main(url="ws://127.0.0.1:7777/ws", name=None):
    name, password = name or f"Python{random.randrange(10**9)}", "a good password"
    client = Client(url)
    client.until("logged_in", "register", name, password)
    client.until("entered", "enter")
    dog = client.act("killed", "cast", lambda here: nearest_dog(client, here))["target"]
    corpse = client.view.entities().get(dog, client.me)["at"]
    looted = client.act("looted", "loot", lambda here: (corpse, dog))
    client.until("left", "leave")
    print(f"{name} killed a dog and took {looted}")
    again = Client(url)
    again.until("logged_in", "log_in", name, password)
    again.until("entered", "enter")
    for what in ("xp", "coins", "items"):
        if not client.me[what] or again.me[what] != client.me[what]:
            raise Missed(f"{what} is {again.me[what]} after the return, and was {client.me[what]}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (Missed, OSError, TimeoutError, WebSocketException) as error:
        sys.exit(f"the dog was not killed: {error!r}")
