#!/usr/bin/env python3
"""Answers every message with its own text. Needs nothing but Python 3.

    echo_bot.py session rpc          works for the first account on this computer, or makes one

The arguments are the command that speaks JSON-RPC over its standard input and output.
"""
import itertools
import json
import subprocess
import sys

server = subprocess.Popen(sys.argv[1:] or ["session", "rpc"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, encoding="utf-8")
numbers = itertools.count(1)
notifications = []


def read():
    line = server.stdout.readline()
    if not line:
        sys.exit("the server has ended")
    return json.loads(line)


def call(method, **params):
    number = next(numbers)
    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    while True:
        message = read()
        if message.get("id") == number:
            if "error" in message:
                raise RuntimeError(message["error"]["message"])
            return message["result"]
        notifications.append(message)


accounts = call("hello", version=1)["accounts"]
if accounts:
    account = accounts[0]["id"]
    call("accounts.open", account=account)
else:
    account = call("accounts.create", name="Echo")["account"]["id"]
print("write to", account, flush=True)

while True:
    notification = notifications.pop(0) if notifications else read()
    if notification.get("method") == "message.received":
        message = notification["params"]["message"]
        if not message["mine"] and message["text"]:
            call("messages.send", account=account, to=message["author"], text=message["text"])
