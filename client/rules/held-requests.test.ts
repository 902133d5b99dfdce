import assert from "node:assert/strict";
import type { Pod } from "../types.ts";
import { heldRequests } from "./pod-requests.ts";

const pod = (asked: string, has: string, granted: string, reason?: string): Pod =>
  ({
    metadata: { name: "p", uid: "u" },
    spec: { containers: [{ name: "c", resources: { requests: { cpu: asked } } }] },
    status: {
      containerStatuses: [
        { name: "c", resources: { requests: { cpu: has } }, allocatedResources: { cpu: granted } },
      ],
      ...(reason !== undefined && { conditions: [{ type: "PodResizePending", status: "True", reason }] }),
    },
  }) as never;

describe("heldRequests", () => {
  it("are the most of what a container asks for, has and was granted", () => {
    assert.deepEqual(heldRequests(pod("300m", "100m", "200m")), { cpu: 300 });
    assert.deepEqual(heldRequests(pod("100m", "300m", "200m")), { cpu: 300 });
    assert.deepEqual(heldRequests(pod("100m", "100m", "200m", "Deferred")), { cpu: 200 });
    assert.deepEqual(heldRequests(pod("300m", "100m", "200m", "Deferred")), { cpu: 300 });
  });

  it("leave out what the node can never do", () => {
    assert.deepEqual(heldRequests(pod("900m", "100m", "200m", "Infeasible")), { cpu: 200 });
  });

  it("are likewise the most of what the pod is as a whole, beside its overhead", () => {
    const whole = (asked: string, has: string, granted: string, reason?: string): Pod => {
      const conditions = [{ type: "PodResizePending", status: "True", reason }];
      const status = {
        resources: { requests: { cpu: has } },
        allocatedResources: { cpu: granted },
        conditions,
      };
      const spec = {
        containers: [{ name: "c" }],
        resources: { requests: { cpu: asked } },
        overhead: { cpu: "1m" },
      };
      return { metadata: {}, spec, status } as never;
    };
    assert.deepEqual(heldRequests(whole("300m", "100m", "200m")), { cpu: 301 });
    assert.deepEqual(heldRequests(whole("100m", "300m", "200m")), { cpu: 301 });
    assert.deepEqual(heldRequests(whole("900m", "100m", "200m", "Infeasible")), { cpu: 201 });
    const { status: _, ...fresh } = whole("300m", "1", "1");
    assert.deepEqual(heldRequests(fresh as Pod), { cpu: 301 });
  });

  it("are what is asked for before anything runs", () => {
    const { status: _, ...fresh } = pod("300m", "1", "1");
    assert.deepEqual(heldRequests(fresh as Pod), { cpu: 300 });
  });
});
