import { strict as assert } from "node:assert";
import { supportsRecursiveReadOnly } from "./recursive-read-only.ts";

describe("recursive read-only mounts", () => {
  it("need a kernel and a runtime that know them", () => {
    assert.equal(supportsRecursiveReadOnly("crun-1.8.1", "6.1.0-18-amd64"), true);
    assert.equal(supportsRecursiveReadOnly("crun-1.4", "5.12.0"), true);
    assert.equal(supportsRecursiveReadOnly("crun-1.3", "6.1.0"), false);
    assert.equal(supportsRecursiveReadOnly("runc-1.1.5+ds1", "5.15.0-91-generic"), true);
    assert.equal(supportsRecursiveReadOnly("runc-1.0.3", "6.1.0"), false);
    assert.equal(supportsRecursiveReadOnly("crun-1.8.1", "5.10.0-28-amd64"), false);
    assert.equal(supportsRecursiveReadOnly("unknown", "6.1.0"), false);
  });
});
