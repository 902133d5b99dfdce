import { strict as assert } from "node:assert";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { Container } from "../../client/types.ts";
import type { Runtime } from "../runtime/seam.ts";
import { runHook } from "./run-hook.ts";

describe("a lifecycle hook", () => {
  const clock = new ManualClock();
  const run = (hook: Parameters<typeof runHook>[0], signal?: AbortSignal) =>
    runHook(
      hook,
      { containerId: "id", container: { name: "c" } as Container, podIp: "127.0.0.1" },
      { timeoutMs: 100_000, ...(signal && { signal }) },
      { runtime: {} as Runtime, clock },
    );

  it("sleeps as long as it says, and no longer than it may", async () => {
    const slept = run({ sleep: { seconds: 5 } });
    await clock.advance(5_000);
    assert.deepEqual(await slept, { ok: true, message: "" });
    const ended = run({ sleep: { seconds: 5 } }, AbortSignal.abort(new Error("the grace is over")));
    assert.deepEqual(await ended, { ok: false, message: "the grace is over" });
  });

  it("over HTTP succeeds whatever the answer's code is, and says who asks", async () => {
    const agents: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      agents.push(request.headers["user-agent"]);
      response.writeHead(500).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    const { port } = server.address() as AddressInfo;
    assert.deepEqual(await run({ httpGet: { port, path: "/" } }), { ok: true, message: "" });
    assert.match(agents.join(), /^kube-lifecycle\/1\.\d+$/);
    await new Promise((resolve) => server.close(resolve));
    const gone = await run({ httpGet: { port, path: "/" } });
    assert.equal(gone.ok, false);
    assert.match(gone.message, /: dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/);
  });

  it("fails that Kubernetes does not run", async () => {
    assert.deepEqual(await run({ tcpSocket: { port: 1 } }), {
      ok: false,
      message: "invalid handler: tcpSocket",
    });
  });
});
