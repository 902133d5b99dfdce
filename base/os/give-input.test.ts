import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { giveInput } from "./give-input.ts";

describe("input of a program", () => {
  it("reaches it whole", async () => {
    const child = spawn(process.execPath, ["-e", "process.stdin.pipe(process.stdout)"]);
    giveInput(child, "a word");
    assert.equal((await buffer(child.stdout)).toString(), "a word");
  });

  it("is left where the program ends without reading", async () => {
    const child = spawn(process.execPath, ["-e", "process.stdin.destroy(); process.exit(3)"]);
    giveInput(child, Buffer.alloc(8 * 1024 * 1024));
    const [code] = await once(child, "close");
    assert.equal(code, 3);
  });
});
