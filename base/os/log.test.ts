import assert from "node:assert/strict";
import { createLog } from "./log.ts";

describe("a line of the log", () => {
  const lineOf = (format: "text" | "json" | "console", fields?: Readonly<Record<string, unknown>>) => {
    let line = "";
    const write = (text: string) => {
      line = text;
    };
    createLog({ format, write, wallMs: () => 0 }, "store").info("it began", fields);
    return line;
  };

  it("has zap's fields as JSON, or zap's columns", () => {
    const fields = { id: 0xabn, ids: [0xcn, 0xdn], error: new Error("no") };
    assert.equal(
      lineOf("json", fields),
      '{"level":"info","ts":"1970-01-01T00:00:00.000Z","caller":"store","msg":"it began","id":"ab","ids":["c","d"],"error":"no"}\n',
    );
    assert.equal(
      lineOf("console", fields),
      '1970-01-01T00:00:00.000Z\tinfo\tstore\tit began\t{"id":"ab","ids":["c","d"],"error":"no"}\n',
    );
    assert.equal(lineOf("console"), "1970-01-01T00:00:00.000Z\tinfo\tstore\tit began\n");
  });
});
