import assert from "node:assert/strict";
import { logMounts, realLogPath } from "./usual-logs.ts";

const logsDir = "/var/lib/pintle/agent/logs";

describe("where a node's logs are to its pods", () => {
  const cases: readonly (readonly [path: string, real: string])[] = [
    ["/var/log/pods", logsDir],
    ["/var/log/pods/shop_web_u1", `${logsDir}/shop_web_u1`],
    ["/var/log/containers", `${logsDir}-links`],
    ["/var/log/pods-old", "/var/log/pods-old"],
    ["/var/log", "/var/log"],
    ["/var", "/var"],
  ];
  for (const [path, real] of cases)
    it(`is ${real} for ${path}`, () => assert.equal(realLogPath(path, logsDir), real));

  it("is within no other folder than /var/log", async () => {
    const mount = { hostPath: "/x", containerPath: "/x", readOnly: true };
    for (const path of ["/", "/var", "/var/log/nginx", "/data/var/log"])
      assert.deepEqual(await logMounts(mount, path, logsDir), []);
  });
});
