import assert from "node:assert/strict";
import { request } from "node:http";
import fc from "fast-check";
import { duplexPair } from "../../base/http2/duplex-pair.ts";
import { AnswerFault, AnswerParser, answerLimits } from "./answer-parser.ts";

interface Read {
  readonly status: number | undefined;
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** Bytes that belong to the answer. */
  readonly length: number;
  readonly isWhole: boolean;
  readonly keepsAlive: boolean;
}

/** @param pieces In which it comes; the endpoint says no more then. */
function read(pieces: readonly string[], method = "GET"): Read | "fault" {
  let status: number | undefined;
  let headers: readonly string[] = [];
  let trailers: readonly string[] = [];
  let body = "";
  let isWhole = false;
  const parser = new AnswerParser({
    head: (head) => ({ status, headers } = head),
    body: (bytes) => {
      body += bytes.toString("latin1");
    },
    whole: (given) => {
      assert.ok(!isWhole, "the end is told once");
      isWhole = true;
      trailers = given;
    },
  });
  parser.expect(method);
  let length = 0;
  try {
    for (const piece of pieces) length += parser.read(Buffer.from(piece, "latin1"));
    parser.close();
  } catch (error) {
    assert.ok(error instanceof AnswerFault, String(error));
    return "fault";
  }
  return { status, headers, body, trailers, length, isWhole, keepsAlive: parser.keepsAlive };
}

const ok = "HTTP/1.1 200 OK\r\n";

describe("answers of HTTP/1.1", () => {
  const good: Readonly<
    Record<string, readonly [said: string, body: string, keepsAlive: boolean, method?: string]>
  > = {
    "with a length": [`${ok}Content-Length: 2\r\n\r\nok`, "ok", true],
    "of no bytes": [`${ok}Content-Length: 0\r\n\r\n`, "", true],
    "in chunks": [`${ok}Transfer-Encoding: Chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\n\r\n`, "ok", true],
    "until the connection ends": [`${ok}\r\nok`, "ok", false],
    "to HEAD": [`${ok}Content-Length: 2\r\n\r\n`, "", true, "HEAD"],
    "to HEAD, in chunks": [`${ok}Transfer-Encoding: chunked\r\n\r\n`, "", true, "HEAD"],
    "without content": ["HTTP/1.1 204 No Content\r\n\r\n", "", true],
    "not modified": ["HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", true],
    "without a reason": ["HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", "ok", true],
    "behind hints": [
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok}Content-Length: 2\r\n\r\nok`,
      "ok",
      true,
    ],
    "on a connection that ends": [`${ok}Connection: x, Close\r\nContent-Length: 2\r\n\r\nok`, "ok", false],
    "of HTTP/1.0": ["HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", false],
    "of HTTP/1.0 that stays": [
      "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
      "ok",
      true,
    ],
  };
  for (const [name, [said, body, keepsAlive, method]] of Object.entries(good))
    it(`${name}: ${body === "" ? "no body" : "a body"}, however it is cut`, () => {
      for (let cut = 0; cut <= said.length; cut++) {
        const found = read([said.slice(0, cut), said.slice(cut)], method);
        assert.notEqual(found, "fault");
        const { isWhole, length, ...rest } = found as Read;
        assert.deepEqual(
          [isWhole, length, rest.body, rest.keepsAlive],
          [true, said.length, body, keepsAlive],
          `cut at ${cut}`,
        );
      }
    });

  it("have trailers, and headers in their order with names in lower case", () => {
    const found = read([
      `${ok}B: 1 \r\nA:\t2\r\nb:\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\n\r\n`,
    ]);
    assert.notEqual(found, "fault");
    assert.deepEqual((found as Read).headers, ["b", "1", "a", "2", "b", "", "transfer-encoding", "chunked"]);
    assert.deepEqual((found as Read).trailers, ["x-sum", "1"]);
  });

  it("end where they say, whatever stands behind", () => {
    const one = `${ok}Content-Length: 2\r\n\r\nok`;
    assert.equal((read([`${one}HTTP/1.1 200 OK\r\n\r\n`]) as Read).length, one.length);
  });

  it("are not whole before their end", () => {
    for (const said of [
      ok,
      `${ok}Content-Length: 2\r\n\r\no`,
      `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\n`,
    ])
      assert.equal((read([said]) as Read).isWhole, false, said);
  });

  const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
  const faults: Readonly<Record<string, string>> = {
    "no HTTP": "hello there\r\n\r\n",
    "another version": "HTTP/2.0 200 OK\r\n\r\n",
    "a status that is none": "HTTP/1.1 20 OK\r\n\r\n",
    "a length and chunks": `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`,
    "two lengths": `${ok}Content-Length: 2\r\nContent-Length: 2\r\n\r\n`,
    "a list of lengths": `${ok}Content-Length: 2, 2\r\n\r\n`,
    "a length with a sign": `${ok}Content-Length: +2\r\n\r\n`,
    "a length beyond counting": `${ok}Content-Length: 9999999999999999\r\n\r\n`,
    "another encoding": `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`,
    "chunks twice": `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
    "chunks of HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a line without CR": `HTTP/1.1 200 OK\nA: b\r\n\r\n`,
    "a folded line": `${ok}A: b\r\n c\r\n\r\n`,
    "a blank before the colon": `${ok}Content-Length : 2\r\n\r\n`,
    "a name that is none": `${ok}: 2\r\n\r\n`,
    "a line without a colon": `${ok}hello\r\n\r\n`,
    "a control character": `${ok}A: b\0c\r\n\r\n`,
    "CR within a line": `${ok}A: b\rC: d\r\n\r\n`,
    "a chunk without a size": `${chunked}\r\n`,
    "a chunk's size that is none": `${chunked}0x1\r\na\r\n0\r\n\r\n`,
    "a chunk longer than it says": `${chunked}1\r\nab\r\n0\r\n\r\n`,
    "a chunk's line without CR": `${chunked}1\na\r\n0\r\n\r\n`,
    "a chunk's line without end": `${chunked}1;${"a".repeat(answerLimits.chunkLineBytesMost)}`,
    "a head without end": `${ok}A: ${"a".repeat(answerLimits.headBytesMost)}`,
    "many headers": `${ok}${"A: b\r\n".repeat(answerLimits.headBytesMost / 6)}\r\n`,
    "trailers without end": `${chunked}0\r\n${"A: b\r\n".repeat(answerLimits.headBytesMost / 6 + 1)}`,
    "hints without end": "HTTP/1.1 103 Hint\r\n\r\n".repeat(answerLimits.informationalMost + 1),
    "a change that nobody asked for": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
  };
  for (const [name, said] of Object.entries(faults))
    it(`that have ${name} are none, in one piece and in many`, () => {
      assert.equal(read([said]), "fault");
      assert.equal(read(said.match(/[\s\S]{1,7}/g) ?? []), "fault");
    });

  /** Answers, and what is nearly one. */
  const piece = fc.constantFrom(
    ok,
    "HTTP/1.1 204 No Content\r\n",
    "HTTP/1.0 200 OK\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n",
    "A: b\r\n",
    "A : b\r\n",
    " c\r\n",
    "5\r\nhello\r\n",
    "0\r\n",
    "0\r\n\r\n",
    "\r\n",
    "\n",
    "\r",
    "hello",
    "\0",
  );
  const said = fc.array(piece, { minLength: 1, maxLength: 9 }).map((pieces) => ok + pieces.join(""));

  it("are read the same, however they are cut", () => {
    fc.assert(
      fc.property(said, fc.array(fc.nat(120), { maxLength: 6 }), fc.boolean(), (text, cuts, isHead) => {
        const places = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b)];
        const pieces = places.map((from, at) => text.slice(from, places[at + 1] ?? text.length));
        const method = isHead ? "HEAD" : "GET";
        assert.deepEqual(read(pieces, method), read([text], method));
      }),
      { numRuns: 2000 },
    );
  });

  it("are read as Node's own client reads them", async () => {
    let whole = 0;
    await fc.assert(
      fc.asyncProperty(said, async (text) => {
        const ours = read([text]);
        if (ours === "fault" || !ours.isWhole) return;
        whole += 1;
        const theirs = await readByNode(text.slice(0, ours.length));
        assert.deepEqual(
          [theirs.status, theirs.headers, theirs.body],
          [ours.status, ours.headers, ours.body],
          JSON.stringify(text),
        );
      }),
      { numRuns: 4000 },
    );
    assert.ok(whole > 100, `only ${whole} of them are whole`);
  });
});

function readByNode(text: string): Promise<Pick<Read, "status" | "headers" | "body">> {
  return new Promise((resolve, reject) => {
    const [near, far] = duplexPair();
    const sent = request({ createConnection: () => near, setHost: false });
    sent.on("error", reject);
    sent.on("response", (response) => {
      let body = "";
      response.on("data", (bytes: Buffer) => {
        body += bytes.toString("latin1");
      });
      response.on("error", reject);
      response.on("end", () => {
        const headers = response.rawHeaders.map((one, at) => (at % 2 === 0 ? one.toLowerCase() : one));
        resolve({ status: response.statusCode, headers, body });
      });
    });
    sent.end();
    far.resume();
    far.end(text, "latin1");
  });
}
