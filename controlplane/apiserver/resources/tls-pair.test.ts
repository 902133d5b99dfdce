import assert from "node:assert/strict";
import { createAuthority } from "../../../base/os/pki.ts";
import { tlsPairProblem } from "./tls-pair.ts";

describe("a certificate and its key", () => {
  it("are told apart from what is none, in the words of Go's crypto/tls", async () => {
    const [one, other] = await Promise.all(["a", "b"].map((name) => createAuthority({ name })));
    assert.ok(one && other);
    const problem = (certificate: string, key: string) =>
      tlsPairProblem(Buffer.from(certificate), Buffer.from(key));
    const certificate = one.certificatePem;
    const key = one.privateKeyPem;
    const request = "-----BEGIN CERTIFICATE REQUEST-----\nYQ==\n-----END CERTIFICATE REQUEST-----\n";
    const broken = "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n";
    const brokenKey = "-----BEGIN PRIVATE KEY-----\nYQ==\n-----END PRIVATE KEY-----\n";
    const cases: readonly (readonly [certificate: string, key: string, problem: string | undefined])[] = [
      [certificate, key, undefined],
      [request + certificate + other.certificatePem, request + key, undefined],
      ["a", key, "tls: failed to find any PEM data in certificate input"],
      [
        key,
        key,
        "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
      ],
      [
        request,
        key,
        'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [CERTIFICATE REQUEST]',
      ],
      [certificate, "", "tls: failed to find any PEM data in key input"],
      [certificate, certificate, "tls: found a certificate rather than a key in the PEM for the private key"],
      [
        certificate,
        request,
        'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [CERTIFICATE REQUEST]',
      ],
      [broken, key, "x509: malformed certificate"],
      [certificate, brokenKey, "tls: failed to parse private key"],
      [certificate, other.privateKeyPem, "tls: private key does not match public key"],
    ];
    for (const [said, keySaid, wanted] of cases) assert.equal(problem(said, keySaid), wanted);
  });
});
