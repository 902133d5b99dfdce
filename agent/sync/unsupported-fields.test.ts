import { strict as assert } from "node:assert";
import type { Pod } from "../../client/types.ts";
import { payloadOf } from "../volumes/payload.ts";
import { sandboxConfig } from "./container-config.ts";

const pod = (spec: object) =>
  ({
    metadata: { name: "p", namespace: "d", uid: "u" },
    spec: { containers: [{ name: "c" }], ...spec },
  }) as Pod;

describe("fields that this node cannot honour yet", () => {
  it("are refused by name when the sandbox is made", () => {
    const make = (spec: object) => () =>
      sandboxConfig(pod(spec), 0, { servers: [], domain: "cluster.local" }, "");
    assert.throws(make({ hostUsers: false }), /spec\.hostUsers: false is not supported by this node/);
    assert.doesNotThrow(make({ hostUsers: true }));
  });

  it("are refused by name in projected volumes", async () => {
    const volume = { name: "v", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } };
    await assert.rejects(
      payloadOf(pod({ volumes: [volume] }), volume as never, {} as never, {} as never),
      /projected\.sources\[0\]\.serviceAccountToken is not supported by this node/,
    );
  });
});
