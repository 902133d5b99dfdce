import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { connectionsMost } from "./server-sockets.ts";

describe("base/os/server-sockets", () => {
  it("leaves room for files beside connections, of whatever the system allows", () => {
    assert.deepEqual([connectionsMost(20_000), connectionsMost(1_024)], [18_000, 512]);
    const here = execFileSync("bash", ["-c", "ulimit -n"]).toString().trim();
    const allowed = here === "unlimited" ? undefined : Number(here);
    assert.equal(connectionsMost(), connectionsMost(allowed));
  });
});
