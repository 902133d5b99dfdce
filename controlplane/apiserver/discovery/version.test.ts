import assert from "node:assert/strict";
import { versionBody } from "./version.ts";

describe("/version", () => {
  it("names one release in all its parts, and that no older one is imitated", () => {
    const { major, minor, gitVersion, emulationMajor, emulationMinor, minCompatibilityMinor } = versionBody();
    assert.deepEqual([major, minor], ["1", "36"]);
    assert.match(String(gitVersion), /^v1\.36\.\d+\+pintle$/);
    assert.deepEqual([emulationMajor, emulationMinor, minCompatibilityMinor], ["1", "36", "35"]);
  });
});
