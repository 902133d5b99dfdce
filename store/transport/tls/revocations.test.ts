import assert from "node:assert/strict";
import fc from "fast-check";
import { DerError } from "../../../base/der.ts";
import { revokedSerials } from "./revocations.ts";

/** `openssl ca -gencrl` of an authority that revoked 0x1000 and 0xfe01, whose DER has a leading zero. */
const der = (tag: number, ...parts: readonly (Buffer | readonly number[])[]) => {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
};
const time = der(0x17, Buffer.from("260101000000Z"));
const entry = (...serial: readonly number[]) => der(0x30, der(0x02, serial), time);
const list = (...parts: readonly Buffer[]) => der(0x30, der(0x30, ...parts), der(0x30), der(0x03, [0]));
const [algorithm, issuer] = [der(0x30, der(0x06, [0x2a, 3])), der(0x30)];

describe("a list of revoked certificates", () => {
  it("is read with and without what it may leave out", () => {
    const revoked = der(0x30, entry(0x10, 0x00), entry(0x00, 0xfe, 0x01));
    const version = der(0x02, [1]);
    const both = new Set(["1000", "fe01"]);
    assert.deepEqual(revokedSerials(list(version, algorithm, issuer, time, time, revoked)), both);
    assert.deepEqual(revokedSerials(list(algorithm, issuer, time, revoked, der(0xa0, der(0x30)))), both);
    assert.deepEqual(revokedSerials(list(algorithm, issuer, time)), new Set());
    const pem = `-----BEGIN X509 CRL-----\n${list(algorithm, issuer, time, revoked).toString("base64")}\n-----END X509 CRL-----\n`;
    assert.deepEqual(revokedSerials(Buffer.from(pem + pem)), both);
  });

  it("of whatever bytes is a list or a DerError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          revokedSerials(bytes);
        } catch (error) {
          assert.ok(error instanceof DerError);
        }
      }),
      { numRuns: Number(process.env.PINTLE_FUZZ_RUNS ?? 500) },
    );
  });
});
