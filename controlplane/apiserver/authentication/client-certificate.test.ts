import assert from "node:assert/strict";
import { firstOf } from "./authenticator.ts";
import { certificateJudge, clientCertificate } from "./client-certificate.ts";
import type { ShownCertificate } from "./shown-certificate.ts";

const endsMs = Date.UTC(2026, 0, 1);

function shown(authority: string, more: Partial<ShownCertificate> = {}) {
  let looks = 0;
  const chainFingerprints = () => {
    looks++;
    return new Set([authority]);
  };
  const certificate: ShownCertificate = {
    problem: undefined,
    commonName: "jane",
    organizations: ["dev"],
    uids: [],
    fingerprint: "f1",
    notBeforeMs: endsMs - 1000,
    notAfterMs: endsMs,
    chainFingerprints,
    ...more,
  };
  const evidence = { headers: {}, rawHeaders: [], certificate, audiences: undefined, warn: () => undefined };
  return { evidence, looks: () => looks };
}

describe("a client certificate", () => {
  const clock = { nowMs: endsMs - 1, wallMs: () => clock.nowMs };
  const authenticate = clientCertificate(certificateJudge(new Set(["ours"]), clock));

  beforeEach(() => {
    clock.nowMs = endsMs - 1;
  });

  it("has its signers looked at once, however many requests its connection carries", async () => {
    for (const authority of ["ours", "theirs"]) {
      const { evidence, looks } = shown(authority);
      const first = await authenticate(evidence);
      assert.equal(await authenticate(evidence), first);
      assert.equal(looks(), 1, authority);
    }
  });

  it("holds until it ends, on a connection that lasts longer too", async () => {
    const { evidence } = shown("ours");
    assert.ok("user" in ((await authenticate(evidence)) ?? {}));
    clock.nowMs = endsMs + 1000;
    assert.deepEqual(await authenticate(evidence), {
      refusal:
        "verifying certificate SHA256=f1 failed: x509: certificate has expired or is not yet valid: " +
        "current time 2026-01-01T00:00:01Z is after 2026-01-01T00:00:00Z",
    });
  });

  it("of another authority is refused by a value, and one of two authenticators that knows it is enough", async () => {
    const proxies = clientCertificate(certificateJudge(new Set(["proxies"]), clock));
    const { evidence } = shown("ours");
    assert.ok("refusal" in ((await proxies(evidence)) ?? {}));
    assert.ok((await firstOf([proxies, authenticate])(evidence)) !== undefined);
    await assert.rejects(firstOf([proxies])(evidence), {
      message: "verifying certificate SHA256=f1 failed: x509: certificate signed by unknown authority",
    });
  });
});
