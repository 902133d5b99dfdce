import { strict as assert } from "node:assert";
import type { Pod } from "../../client/types.ts";
import { runtimeHandler } from "./runtime-handler.ts";
import { WorkerRig } from "./testing/worker-rig.ts";

describe("users of a pod's own", () => {
  it("are given to pods that ask for them, of handlers that can have some", async () => {
    const asked: string[] = [];
    const context = {
      client: { get: async () => ({ handler: "other" }) } as never,
      able: {
        runtimeHandlers: true,
        podResources: true,
        userNamespaces: (one: string) => one === "",
        seLinux: "absent" as const,
      },
      users: {
        take: async (uid: string) => {
          asked.push(uid);
          return { first: 131_072, length: 65_536 };
        },
      },
    };
    const of = (spec: object) => runtimeHandler({ metadata: { uid: "u" }, spec } as Pod, context);
    assert.deepEqual(await of({}), { handler: "" });
    assert.deepEqual(await of({ hostUsers: true, runtimeClassName: "x" }), { handler: "other" });
    assert.deepEqual(asked, []);
    const users = { first: 131_072, length: 65_536 };
    assert.deepEqual(await of({ hostUsers: false }), { handler: "", users });
    await assert.rejects(
      of({ hostUsers: false, runtimeClassName: "x" }),
      /^RuntimeError: can't set `spec.hostUsers: false`, RuntimeClass handler "other" does not support user namespaces$/,
    );
    assert.deepEqual(asked, ["u"]);
  });

  it("are refused in the kubelet's words where no pod can have any, and no sandbox is made", async () => {
    const rig = await WorkerRig.open();
    try {
      await rig.run({ hostUsers: false });
      await rig.untilPod(() => rig.events.length > 0, "refused");
      assert.deepEqual(rig.events, [
        {
          type: "Warning",
          reason: "FailedCreatePodSandBox",
          message:
            "Failed to create pod sandbox: can't set `spec.hostUsers: false`, runtime does not support user namespaces",
        },
      ]);
      assert.deepEqual(rig.runtime.listPodSandboxes(), []);
    } finally {
      await rig.close();
    }
  });
});
