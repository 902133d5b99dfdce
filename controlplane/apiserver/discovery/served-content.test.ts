import assert from "node:assert/strict";
import { byteRanges } from "./byte-ranges.ts";
import { servedContent } from "./served-content.ts";

describe("content that may be asked for in parts", () => {
  const modifiedMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  const [at, earlier, later] = [0, -1000, 1000].map((ms) => new Date(modifiedMs + ms).toUTCString());
  const headers = { Vary: "Accept" };
  const content = {
    etag: "E",
    modifiedMs,
    contentType: "application/json",
    headers,
    body: () => "0123456789",
  };
  const dated = { Vary: "Accept", ETag: '"E"', "Last-Modified": at };
  const whole = { ...dated, "Accept-Ranges": "bytes" };
  const ask = (asked: Record<string, string | undefined>, method = "GET") => {
    const { code, body, headers, contentType } = servedContent(content, { method, headers: asked });
    return { code, text: Buffer.from(body).toString(), headers, contentType };
  };

  it("is sent whole with its name and time to who asks for nothing else", () => {
    assert.deepEqual(ask({}), {
      code: 200,
      text: "0123456789",
      headers: whole,
      contentType: "application/json",
    });
  });

  for (const [range, from, to] of [
    ["bytes=2-4", 2, 4],
    ["bytes=7-", 7, 9],
    ["bytes=-3", 7, 9],
    ["bytes=-30", 0, 9],
    ["bytes=8-80", 8, 9],
    ["bytes= 2 - 4 ,", 2, 4],
    ["bytes=99-, 1-1", 1, 1],
  ] as const)
    it(`is sent in part for "${range}"`, () => {
      const { code, text, headers } = ask({ range });
      assert.deepEqual([code, text], [206, "0123456789".slice(from, to + 1)]);
      assert.deepEqual(headers, { ...whole, "Content-Range": `bytes ${from}-${to}/10` });
    });

  for (const range of ["bytes=0-9,0-9", "bytes=0-5,3-9", "", "bytes="])
    it(`is sent whole for "${range}", which is no less`, () => {
      const { code, text } = ask({ range });
      assert.deepEqual([code, text], [200, "0123456789"]);
    });

  it("is sent in several parts between boundaries", () => {
    const { code, text, contentType } = ask({ range: "bytes=0-1,8-9" });
    assert.equal(code, 206);
    const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{60})$/.exec(contentType)?.[1];
    const head = (range: string) =>
      `--${boundary}\r\nContent-Range: bytes ${range}/10\r\nContent-Type: application/json\r\n\r\n`;
    assert.equal(text, `${head("0-1")}01\r\n${head("8-9")}89\r\n--${boundary}--\r\n`);
  });

  for (const [range, text, said] of [
    ["bytes=10-", "invalid range: failed to overlap\n", "bytes */10"],
    ["lines=1-2", "invalid range\n", undefined],
    ["bytes=4-2", "invalid range\n", undefined],
    ["bytes=a-2", "invalid range\n", undefined],
    ["bytes=-", "invalid range\n", undefined],
    ["bytes=--2", "invalid range\n", undefined],
    ["bytes=2", "invalid range\n", undefined],
  ] as const)
    it(`is refused for "${range}", without its name`, () => {
      assert.deepEqual(ask({ range }), {
        code: 416,
        text,
        contentType: "text/plain; charset=utf-8",
        headers: {
          Vary: "Accept",
          "X-Content-Type-Options": "nosniff",
          ...(said !== undefined && { "Content-Range": said }),
        },
      });
    });

  it("is not sent to who has it, by name or else by time", () => {
    const named = { Vary: "Accept", ETag: '"E"' };
    for (const known of ['"E"', 'W/"E"', '"x", "E"', "*"]) {
      const { code, text, headers } = ask({ "if-none-match": known, range: "bytes=0-1" });
      assert.deepEqual([code, text, headers], [304, "", named], known);
    }
    assert.equal(ask({ "if-modified-since": at }).code, 304);
    assert.equal(ask({ "if-modified-since": later }).code, 304);
    assert.equal(ask({ "if-modified-since": earlier }).code, 200);
    assert.equal(ask({ "if-modified-since": "soon" }).code, 200);
    // The name says more.
    assert.equal(ask({ "if-none-match": '"x"', "if-modified-since": at }).code, 200);
    assert.equal(ask({ "if-modified-since": at }, "POST").code, 200);
    assert.equal(ask({ "if-none-match": "*" }, "POST").code, 412);
  });

  it("is refused to who wants another", () => {
    for (const asked of [{ "if-match": '"x"' }, { "if-match": 'W/"E"' }, { "if-unmodified-since": earlier }])
      assert.deepEqual(ask(asked), {
        code: 412,
        text: "",
        headers: dated,
        contentType: "application/json",
      });
    for (const asked of [{ "if-match": '"x","E"' }, { "if-match": "*" }, { "if-unmodified-since": at }])
      assert.equal(ask(asked).code, 200);
  });

  it("is sent whole to who has parts of another", () => {
    const range = "bytes=0-1";
    for (const same of ['"E"', at]) assert.equal(ask({ range, "if-range": same }).code, 206, same);
    for (const other of ['"x"', 'W/"E"', earlier, "x"])
      assert.equal(ask({ range, "if-range": other }).code, 200, other);
  });

  it("has no parts where there is nothing", () => {
    assert.deepEqual(byteRanges("bytes=0-", 0), []);
    assert.equal(byteRanges("bytes=x-", 0), "malformed");
  });
});
