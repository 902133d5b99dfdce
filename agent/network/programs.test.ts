import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeLink } from "./programs.ts";

describe("removing a link", () => {
  let folder: string;
  const path = process.env.PATH;
  /** An `ip` that fails with these words. */
  const ipSays = (words: string) => {
    writeFileSync(join(folder, "ip"), `#!/bin/sh\necho '${words}' >&2\nexit 1\n`);
    chmodSync(join(folder, "ip"), 0o755);
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "programs-"));
    process.env.PATH = `${folder}:${path}`;
  });
  after(() => {
    process.env.PATH = path;
    rmSync(folder, { recursive: true });
  });

  it("is done where the link is gone, before it is looked up or after", async () => {
    for (const words of ['Cannot find device "pp0"', "RTNETLINK answers: No such device"]) {
      ipSays(words);
      await removeLink("pp0");
    }
  });

  it("fails with what ip says otherwise", async () => {
    ipSays("RTNETLINK answers: Operation not permitted");
    await assert.rejects(removeLink("pp0"), /ip link delete pp0: RTNETLINK answers: Operation not permitted/);
  });
});
