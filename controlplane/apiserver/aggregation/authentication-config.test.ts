import assert from "node:assert/strict";
import { createAuthority } from "../../../base/os/pki.ts";
import { combinedData } from "./authentication-config.ts";

describe("by what API servers of a cluster know users and front proxies", () => {
  const nowMs = Date.now();

  it("is what any of them knows, each certificate and name once, as Go writes them", async () => {
    const [old, own] = await Promise.all([
      createAuthority({ name: "old" }),
      createAuthority({ name: "own" }),
    ]);
    const pem = ({ certificatePem }: typeof own) => `${certificatePem.trim()}\n`;
    const known = {
      "client-ca-file": pem(old),
      "requestheader-allowed-names": '["a"]',
      more: "kept elsewhere",
    };
    const data = { "client-ca-file": own.certificatePem.trim(), "requestheader-allowed-names": '["b","a"]' };
    const combined = combinedData(known, data, nowMs);
    assert.deepEqual(combined, {
      "client-ca-file": pem(old) + pem(own),
      "requestheader-allowed-names": '["a","b"]',
    });
    assert.deepEqual(combinedData(combined, data, nowMs), combined);
  });

  it("is not what cannot be read, nor a certificate that has run out", async () => {
    const own = await createAuthority({ name: "own" });
    const known = {
      "client-ca-file": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
      names: "{",
    };
    const data = { "client-ca-file": own.certificatePem, names: "[]" };
    assert.deepEqual(combinedData(known, data, nowMs), {
      "client-ca-file": `${own.certificatePem.trim()}\n`,
      names: "[]",
    });
    assert.equal(combinedData(known, data, nowMs + 1e13)["client-ca-file"], "");
  });
});
