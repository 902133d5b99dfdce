import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failpoint } from "../../base/failpoints/failpoint.ts";
import { startAlone } from "../testing/start-alone.ts";

describe("a defragmentation that is made to fail", function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-defragment-fails-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("says what its failpoint says, at each of etcd's places, and is done when it is asked for again", async () => {
    const store = await startAlone(join(folder, "data"));
    const { state } = store.member;
    try {
      for (const name of ["defragOpenFileError", "defragdbFail"]) {
        const point = failpoint(name);
        point.arm('return("no space")');
        try {
          await assert.rejects(state.defragment(), /^Error: no space$/, name);
        } finally {
          point.disarm();
        }
        await state.defragment();
      }
    } finally {
      await store.stop();
    }
  });
});
