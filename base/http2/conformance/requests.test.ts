import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import { systemClock } from "../../os/clock.ts";
import { silentLog } from "../../os/log.ts";
import { duplexPair } from "../duplex-pair.ts";
import { errorCodes, frame, frameFlags, frameTypes } from "../frames.ts";
import type { Header } from "../header.ts";
import { headerBlock } from "../header-block.ts";
import { Http2Server } from "../http2-server.ts";
import { relayToHttp1 } from "../relay-to-http1.ts";
import { type Breach, streamErrors } from "../testing/breaches.ts";
import { get, isType, RawClient, request } from "../testing/raw-client.ts";
import { ServerByHand } from "../testing/server-by-hand.ts";

const { DATA, HEADERS } = frameTypes;
const { END_HEADERS, END_STREAM } = frameFlags;
const { PROTOCOL_ERROR } = errorCodes;

type Fields = readonly (readonly [name: string, value: string])[];
const head: Fields = Object.entries(get);
const asked = (fields: Fields, end = true) => {
  const list: readonly Header[] = fields.map(([name, value]) => ({ name, value }));
  return frame(HEADERS, END_HEADERS | (end ? END_STREAM : 0), 1, headerBlock(list));
};
const without = (name: string): Fields => head.filter(([its]) => its !== name);
const changed = (name: string, value: string): Fields =>
  head.map(([its, was]) => [its, its === name ? value : was]);
const malformed = (...fields: Fields): Breach => [PROTOCOL_ERROR, asked([...head, ...fields])];
const withTrailers = (trailers: Fields, end = true): Breach => [
  PROTOCOL_ERROR,
  asked(head, false),
  frame(DATA, 0, 1, Buffer.from("x")),
  asked(trailers, end),
];

describe("RFC 9113, section 8: requests", () => {
  describe("malformed ones", () => {
    streamErrors({
      "§8.1: trailers without END_STREAM make a request malformed": withTrailers([["a", "b"]], false),
      "§8.1, §8.3: a pseudo-header in trailers makes a request malformed": withTrailers([[":path", "/"]]),
      "§8.1, §8.3: a response's pseudo-header in trailers makes a request malformed": withTrailers([
        [":status", "200"],
      ]),
      "§8.2: a name in upper case in trailers makes a request malformed": withTrailers([["A", "b"]]),
      "§8.2.1: a line feed in a trailer's value makes a request malformed": withTrailers([["a", "b\nc"]]),
      "§8.2.2: a connection-specific field in trailers makes a request malformed": withTrailers([
        ["connection", "a"],
      ]),
      "§8.1.1: a content-length above the content's makes a request malformed, at its end": [
        PROTOCOL_ERROR,
        asked([...head, ["content-length", "3"]], false),
        frame(DATA, END_STREAM, 1, Buffer.from("xy")),
      ],
      "§8.1.1: a content-length above the content's makes a request malformed, at its trailers": [
        PROTOCOL_ERROR,
        asked([...head, ["content-length", "3"]], false),
        frame(DATA, 0, 1, Buffer.from("xy")),
        asked([["a", "b"]]),
      ],
      "§8.1.1: a content-length below the content's makes a request malformed": [
        PROTOCOL_ERROR,
        asked([...head, ["content-length", "1"]], false),
        frame(DATA, 0, 1, Buffer.from("xy")),
      ],
      "§8.1.1: padding is no content": [
        PROTOCOL_ERROR,
        asked([...head, ["content-length", "3"]], false),
        frame(DATA, END_STREAM | frameFlags.PADDED, 1, Buffer.from([1, 120, 0])),
      ],
      "§8.1.1: a content-length without content makes a request malformed": malformed([
        "content-length",
        "1",
      ]),
      "§8.2: a name in upper case makes a request malformed": malformed(["X-a", "b"]),
      "§8.2.1: a space in a name makes a request malformed": malformed(["a b", "c"]),
      "§8.2.1: a control character in a name makes a request malformed": malformed(["a\u0001", "c"]),
      "§8.2.1: NUL in a name makes a request malformed": malformed(["a\0", "c"]),
      "§8.2.1: DEL in a name makes a request malformed": malformed(["a\u007f", "c"]),
      "§8.2.1: an octet above 0x7f in a name makes a request malformed": malformed(["\u00e4", "c"]),
      "§8.2.1: a colon within a name makes a request malformed": malformed(["a:b", "c"]),
      "§8.2.1: an empty name makes a request malformed": malformed(["", "c"]),
      "§8.2.1: a colon alone as a name makes a request malformed": malformed([":", "c"]),
      "§8.2.1: NUL in a value makes a request malformed": malformed(["a", "b\0c"]),
      "§8.2.1: a line feed in a value makes a request malformed": malformed(["a", "b\nc"]),
      "§8.2.1: a carriage return in a value makes a request malformed": malformed(["a", "b\rc"]),
      "§8.2.1: a space before a value makes a request malformed": malformed(["a", " b"]),
      "§8.2.1: a space behind a value makes a request malformed": malformed(["a", "b "]),
      "§8.2.1: a tab before a value makes a request malformed": malformed(["a", "\tb"]),
      "§8.2.1: a tab behind a value makes a request malformed": malformed(["a", "b\t"]),
      "§8.2.1: a value of nothing but a space makes a request malformed": malformed(["a", " "]),
      "§8.2.1: a space before a pseudo-header's value makes a request malformed": [
        PROTOCOL_ERROR,
        asked(changed(":authority", " test")),
      ],
      "§8.2.2: connection makes a request malformed": malformed(["connection", "close"]),
      "§8.2.2: keep-alive makes a request malformed": malformed(["keep-alive", "timeout=5"]),
      "§8.2.2: proxy-connection makes a request malformed": malformed(["proxy-connection", "close"]),
      "§8.2.2: transfer-encoding makes a request malformed": malformed(["transfer-encoding", "chunked"]),
      "§8.2.2: upgrade makes a request malformed": malformed(["upgrade", "h2c"]),
      "§8.2.2: te of another value than trailers makes a request malformed": malformed(["te", "gzip"]),
      "§8.2.2: te of trailers and more makes a request malformed": malformed(["te", "trailers, deflate"]),
      "§8.3: a pseudo-header that nobody defined makes a request malformed": [
        PROTOCOL_ERROR,
        asked([[":protocol", "websocket"], ...head]),
      ],
      "§8.3: a response's pseudo-header makes a request malformed": [
        PROTOCOL_ERROR,
        asked([[":status", "200"], ...head]),
      ],
      "§8.3: a pseudo-header behind a regular field makes a request malformed": [
        PROTOCOL_ERROR,
        asked([...without(":path"), ["a", "b"], [":path", "/"]]),
      ],
      "§8.3: the same pseudo-header twice makes a request malformed: :path": [
        PROTOCOL_ERROR,
        asked([[":path", "/"], ...head]),
      ],
      "§8.3: the same pseudo-header twice makes a request malformed: :method": [
        PROTOCOL_ERROR,
        asked([[":method", "GET"], ...head]),
      ],
      "§8.3: the same pseudo-header twice makes a request malformed: :scheme": [
        PROTOCOL_ERROR,
        asked([[":scheme", "http"], ...head]),
      ],
      "§8.3: the same pseudo-header twice makes a request malformed: :authority": [
        PROTOCOL_ERROR,
        asked([[":authority", "test"], ...head]),
      ],
      "§8.3.1: a request without :method is malformed": [PROTOCOL_ERROR, asked(without(":method"))],
      "§8.3.1: a request without :scheme is malformed": [PROTOCOL_ERROR, asked(without(":scheme"))],
      "§8.3.1: a request without :path is malformed": [PROTOCOL_ERROR, asked(without(":path"))],
      "§8.3.1: a request with nothing at all is malformed": [PROTOCOL_ERROR, asked([])],
      "§8.3.1: an empty :path is malformed": [PROTOCOL_ERROR, asked(changed(":path", ""))],
      "§8.3.1: an empty :method is malformed": [PROTOCOL_ERROR, asked(changed(":method", ""))],
      "§8.3.1: an empty :scheme is malformed": [PROTOCOL_ERROR, asked(changed(":scheme", ""))],
      "§8.3.1: a :scheme that is none is malformed": [PROTOCOL_ERROR, asked(changed(":scheme", "ht tp"))],
      "§8.5: CONNECT with :scheme and :path is malformed": [
        PROTOCOL_ERROR,
        asked(changed(":method", "CONNECT")),
      ],
      "§8.5: CONNECT without :authority is malformed": [PROTOCOL_ERROR, asked([[":method", "CONNECT"]])],
    });
  });

  describe("others", () => {
    let by: ServerByHand;
    beforeEach(() => {
      by = new ServerByHand();
      by.client.begin();
    });
    afterEach(() => by.stop());

    it("§8.1.1: a malformed request is never handed to the application", async () => {
      by.client.send(asked([...head, ["X-a", "b"]]), asked(head).fill(3, 8, 9));
      await by.client.next(isType(HEADERS, 3));
      assert.deepEqual(
        by.requests.map(({ stream }) => stream.id),
        [3],
      );
    });

    it("§8.1: a request is whole with trailers, whose fields may be any that are valid", async () => {
      by.client.send(
        asked([...head, ["te", "trailers"], ["content-length", "2"]], false),
        frame(DATA, 0, 1, Buffer.from("xy")),
        asked([
          ["x-sum", "1 2\t3"],
          ["empty", ""],
        ]),
      );
      assert.equal((await by.client.next(isType(DATA, 1))).payload.toString(), "xy");
    });

    for (const [what, fields] of [
      ["white space within a value", [["a", "b \t c"]]],
      ["an empty value", [["a", ""]]],
      ["octets above 0x7f in a value", [["a", "\u00e4\u00ff"]]],
      ["every character that a name may have", [["!#$%&'*+-.^_`|~0z", "b"]]],
      ["te: trailers", [["te", "trailers"]]],
      [
        "a field twice",
        [
          ["a", "1"],
          ["a", "2"],
        ],
      ],
    ] as const)
      it(`§8.2.1: a request is well-formed with ${what}`, async () => {
        by.client.send(asked([...head, ...fields]));
        await by.client.next(isType(HEADERS, 1));
        assert.deepEqual(
          by.requests[0]?.headers.slice(head.length).map(({ name, value }) => [name, value]),
          fields.map((field) => [...field]),
        );
      });

    it("§8.3.1: a request needs no :authority, and its :path may be * for OPTIONS", async () => {
      by.client.send(asked(without(":authority")));
      await by.client.next(isType(HEADERS, 1));
      by.client.send(request(3, { ...get, ":method": "OPTIONS", ":path": "*" }));
      await by.settled();
      assert.equal(by.requests[1]?.end, "whole");
    });

    it("§8.5: a CONNECT that is well-formed is refused by its status: there is no tunnel", async () => {
      by.client.send(
        asked(
          [
            [":method", "CONNECT"],
            [":authority", "elsewhere:443"],
          ],
          false,
        ),
      );
      assert.equal(by.client.headersOf(await by.client.next(isType(HEADERS, 1)))[":status"], "501");
      assert.deepEqual(by.requests, []);
    });
  });

  describe("handed on to HTTP/1.1", () => {
    const relayed = async (
      fields: Fields,
    ): Promise<{ readonly message: IncomingMessage; readonly headers: readonly Header[] }> => {
      let message: IncomingMessage | undefined;
      const http1 = createServer((incoming, response) => {
        message = incoming;
        response.setHeader("Proxy-Connection", "x").setHeader("Keep-Alive", "y").setHeader("X-Upper", "Z");
        response.end();
      });
      const server = new Http2Server({
        limits: {
          streamsMost: 1,
          streamWindowBytes: 65_535,
          connectionWindowBytes: 65_535,
          headerListBytesMost: 9_000,
        },
        clock: systemClock,
        log: silentLog,
        route: relayToHttp1(http1),
      });
      const [ours, theirs] = duplexPair();
      server.accept(ours);
      const client = new RawClient(theirs);
      client.begin();
      client.send(asked(fields));
      const headers = Object.entries(client.headersOf(await client.next(isType(HEADERS, 1))));
      client.socket.destroy();
      await server.stop();
      assert.ok(message);
      return { message, headers: headers.map(([name, value]) => ({ name, value })) };
    };

    it("§8.3.1: the authority is the host, whatever host says", async () => {
      const { message } = await relayed([...head, ["host", "other"]]);
      assert.equal(message.headers.host, "test");
    });

    it("§8.2.3: cookies that came apart are one, joined by a semicolon and a space", async () => {
      const { message } = await relayed([...head, ["cookie", "a=b"], ["cookie", "c=d"], ["cookie", "e=f"]]);
      assert.equal(message.headers.cookie, "a=b; c=d; e=f");
      assert.equal(message.rawHeaders.filter((name) => name.toLowerCase() === "cookie").length, 1);
    });

    it("§8.2, §8.2.2: an answer's names are in lower case, and none means a connection", async () => {
      const { headers } = await relayed(head);
      const names = headers.map(({ name }) => name);
      assert.deepEqual(
        names.filter((name) => name !== name.toLowerCase()),
        [],
      );
      assert.ok(names.includes("x-upper"));
      for (const name of ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"])
        assert.ok(!names.includes(name), name);
    });

    it("§8.3, §8.3.2: an answer has :status first, and no other pseudo-header", async () => {
      const { headers } = await relayed(head);
      assert.deepEqual(
        headers.filter(({ name }) => name.startsWith(":")),
        [{ name: ":status", value: "200" }],
      );
      assert.equal(headers[0]?.name, ":status");
    });
  });
});
