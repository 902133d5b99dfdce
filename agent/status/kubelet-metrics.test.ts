import assert from "node:assert/strict";
import { systemClock } from "../../base/os/clock.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { createAuthority } from "../../base/os/pki.ts";
import { observeKubelet } from "./kubelet-metrics.ts";

describe("agent/status/kubelet-metrics", () => {
  it("tells of the node's name, its pods and how long its certificates hold", async () => {
    const meter = new MetricsRegistry();
    const { certificatePem } = await createAuthority({ name: "a" });
    const sandbox = { pod: { namespace: "n", name: "p", uid: "u" }, attempt: 0, createdAtMs: 0, podIp: "" };
    observeKubelet(meter, {
      nodeName: "node-1",
      clock: systemClock,
      runtime: {
        listPodSandboxes: () => [
          { ...sandbox, id: "a", state: "ready" },
          { ...sandbox, id: "b", state: "notready" },
        ],
        listContainers: () => [],
      },
      clientCertificatePem: () => undefined,
      servingCertificatePem: () => certificatePem,
    });
    const text = await meter.text();
    assert.match(text, /^kubelet_node_name\{node="node-1"\} 1$/m);
    assert.match(text, /^kubelet_running_pods 1$/m);
    assert.match(text, /^kubelet_certificate_manager_client_ttl_seconds \+Inf$/m);
    const left = Number(/^kubelet_certificate_manager_server_ttl_seconds (\d+)$/m.exec(text)?.[1]);
    assert.ok(left > 24 * 3600, String(left));
  });
});
