import { strict as assert } from "node:assert";
import { isReadOnlyThroughout } from "./recursive-read-only.ts";

const mount = (more: object) => ({ name: "v", mountPath: "/v", readOnly: true, ...more });
const refusal = (why: string) =>
  `failed to resolve recursive read-only mode: volume "v" requested recursive read-only mode, but it is not ${why}`;

describe("recursiveReadOnly of a mount", () => {
  it("is had where it can be, and must be had only with Enabled", () => {
    for (const [asked, able, having] of [
      [undefined, true, false],
      ["Disabled", true, false],
      ["IfPossible", true, true],
      ["IfPossible", false, false],
      ["Enabled", true, true],
    ] as const)
      assert.equal(isReadOnlyThroughout(mount({ recursiveReadOnly: asked }), able), having);
    const enabled = { recursiveReadOnly: "Enabled" };
    assert.throws(() => isReadOnlyThroughout(mount(enabled), false), {
      name: "ConfigError",
      message: refusal("supported by the runtime"),
    });
  });

  it("is for mounts that are only read and propagate nothing", () => {
    const asked = { recursiveReadOnly: "IfPossible" };
    assert.throws(() => isReadOnlyThroughout(mount({ ...asked, readOnly: false }), true), {
      message: refusal("read-only"),
    });
    assert.throws(
      () => isReadOnlyThroughout(mount({ ...asked, mountPropagation: "HostToContainer" }), true),
      {
        message: refusal('compatible with propagation "HostToContainer"'),
      },
    );
  });
});
