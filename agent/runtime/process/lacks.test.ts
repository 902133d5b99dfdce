import assert from "node:assert/strict";
import { lacksOf } from "./lacks.ts";

describe("what plain processes lack", () => {
  const always =
    "they share this machine's files, processes and network, without limits, read-only mounts, an image's files or network policies";

  it("is less where root runs them, or ports are open to all", () => {
    assert.equal(lacksOf({ uid: 0, lowestPort: 0 }), always);
    assert.equal(lacksOf({ uid: 1000, lowestPort: 0 }), `${always}; all run as this user`);
    assert.equal(
      lacksOf({ uid: 1000, lowestPort: 1024 }),
      `${always}; all run as this user; Services' ports below 1024 are answered 10000 higher; cluster DNS and Ingress not at all on the usual ports`,
    );
    assert.match(lacksOf({ uid: 1000, lowestPort: 80 }), /below 80 .*; cluster DNS not at all/);
  });
});
