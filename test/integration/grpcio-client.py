"""Python's gRPC client as a program, for tests: makes the calls that it reads on standard input and writes what comes of them.

    grpcio-client.py HOST:PORT [AUTHORITY_PEM_FILE]      over TLS where an authority is given

It reads and writes one JSON object a line. Messages are in hex, as they go over the wire; `call` is a number that the reader chose.

    {"call": 1, "do": "unary", "path": "/service/Method", "message": "0a00", "compression": "Gzip"}
    {"call": 2, "do": "open", "path": "/service/Method"}
    {"call": 2, "do": "send", "message": "0a00"}
    {"call": 2, "do": "halfClose"}
    {"call": 2, "do": "cancel"}

It answers with {"call": 2, "message": "0a00"} for each message, and once with {"call": 2, "status": "OK", "details": ""}.
"""

import json
import queue
import sys
import threading

import grpc

output = threading.Lock()


def report(call, **what):
    with output:
        print(json.dumps({"call": call, **what}), flush=True)


def open_channel(target, authority_file=None):
    options = [("grpc.max_receive_message_length", -1)]
    if authority_file is None:
        return grpc.insecure_channel(target, options)
    with open(authority_file, "rb") as pem:
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(pem.read()), options)


def read_answers(call, answers):
    """`answers` is an iterable that raises RpcError where the call fails."""
    try:
        for message in answers:
            report(call, message=message.hex())
        report(call, status="OK", details="")
    except grpc.RpcError as error:
        report(call, status=error.code().name, details=error.details())


def unary(channel, order):
    compression = grpc.Compression[order.get("compression", "NoCompression")]
    method = channel.unary_unary(order["path"])
    yield method(bytes.fromhex(order["message"]), compression=compression)


class Stream:
    def __init__(self, channel, path):
        self.requests = queue.Queue()
        self.answers = channel.stream_stream(path)(iter(self.requests.get, None))

    def send(self, message):
        self.requests.put(message)

    def half_close(self):
        self.requests.put(None)

    def cancel(self):
        self.answers.cancel()
        self.half_close()


def start_reading(call, answers):
    threading.Thread(target=read_answers, args=(call, answers)).start()


def carry_out(orders, channel, streams):
    for line in orders:
        order = json.loads(line)
        call, what = order["call"], order["do"]
        if what == "unary":
            start_reading(call, unary(channel, order))
        elif what == "open":
            streams[call] = Stream(channel, order["path"])
            start_reading(call, streams[call].answers)
        elif what == "send":
            streams[call].send(bytes.fromhex(order["message"]))
        elif what == "halfClose":
            streams[call].half_close()
        elif what == "cancel":
            streams[call].cancel()
        else:
            raise ValueError(f"no order: {what}")


def main():
    channel, streams = open_channel(*sys.argv[1:]), {}
    try:
        carry_out(sys.stdin, channel, streams)
    finally:
        for stream in streams.values():
            stream.cancel()
        channel.close()


main()
