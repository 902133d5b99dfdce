import assert from "node:assert/strict";
import type { Container } from "../../client/types.ts";
import type { Runtime } from "../runtime/seam.ts";
import { runProbe } from "./run-probe.ts";

describe("a probe where nobody listens", () => {
  const target = { containerId: "c", container: { name: "c" } as Container, podIp: "127.0.0.1" };
  const port = 1;
  const refused = "dial tcp 127.0.0.1:1: connect: connection refused";
  for (const [handler, message] of [
    [{ tcpSocket: { port } }, refused],
    [{ httpGet: { port, path: "/ready" } }, `Get "http://127.0.0.1:1/ready": ${refused}`],
  ] as const)
    it(`says so in Kubernetes' words: ${Object.keys(handler).join()}`, async () =>
      assert.deepEqual(await runProbe(handler, target, { timeoutMs: 5_000 }, {} as Runtime), {
        ok: false,
        message,
      }));
});
