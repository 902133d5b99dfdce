import assert from "node:assert/strict";
import { parseFlags } from "../base/os/flags.ts";
import { storeConfig, storeFlags } from "./flags.ts";

const auth = (...argv: readonly string[]) => storeConfig(parseFlags(storeFlags, argv).flags).auth;

describe("flags of authentication", () => {
  it("are etcd's where none is given", () => {
    assert.deepEqual(auth(), {
      token: { kind: "simple" },
      tokenTtlMs: 300_000,
      bcryptCost: 10,
      byCertificate: false,
    });
  });

  it("say how long tokens hold, and what a hash costs", () => {
    const { tokenTtlMs, bcryptCost } = auth("--auth-token-ttl=7", "--bcrypt-cost=12");
    assert.deepEqual([tokenTtlMs, bcryptCost], [7_000, 12]);
    assert.equal(auth("--auth-token-ttl=0").tokenTtlMs, 300_000, "as etcd has it");
  });

  it("are refused by name where they make no tokens", () => {
    assert.throws(() => auth("--auth-token=paseto"), /--auth-token: "paseto" must be simple or jwt/);
    assert.throws(
      () => auth("--auth-token=jwt,sign-method=RS256,priv-key=/nowhere"),
      /--auth-token: .*\/nowhere/,
    );
  });
});
