import assert from "node:assert/strict";
import { generateKeyPairSync, webcrypto } from "node:crypto";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import {
  CertificateRequestError,
  checkRequestSignature,
  readCertificateRequest,
} from "./certificate-request.ts";

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const rsa = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};
const algorithms = {
  ecdsa,
  rsa,
  "rsa-pss": { ...rsa, name: "RSA-PSS", saltLength: 32 },
  ed25519: { name: "Ed25519" },
};

async function requestWith(algorithm: object): Promise<string> {
  const keys = (await webcrypto.subtle.generateKey(algorithm as never, true, ["sign", "verify"])) as never;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ O: ["system:nodes"] }, { O: ["dév"] }, { CN: ["system:node:n1"] }],
    keys,
    signingAlgorithm: algorithm as never,
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: "n1.example.com" },
        { type: "ip", value: "10.0.0.1" },
        { type: "email", value: "a@example.com" },
        { type: "url", value: "spiffe://a/b" },
      ]),
    ],
  });
  return request.toString("pem");
}

describe("a request for a certificate", () => {
  for (const [name, algorithm] of Object.entries(algorithms))
    it(`is read, and its signature checked: ${name}`, async () => {
      const pem = await requestWith(algorithm);
      const read = readCertificateRequest(pem);
      const { commonName, organizations, dnsNames, emails, uris, addresses } = read;
      assert.deepEqual(
        { commonName, organizations, dnsNames, emails, uris, addresses: addresses.map((one) => [...one]) },
        {
          commonName: "system:node:n1",
          organizations: ["system:nodes", "dév"],
          dnsNames: ["n1.example.com"],
          emails: ["a@example.com"],
          uris: ["spiffe://a/b"],
          addresses: [[10, 0, 0, 1]],
        },
      );
      checkRequestSignature(read);
      const other = readCertificateRequest(await requestWith(algorithm));
      assert.throws(
        () => checkRequestSignature({ ...read, signature: other.signature }),
        CertificateRequestError,
      );
      assert.throws(() => checkRequestSignature({ ...read, signed: other.signed }), CertificateRequestError);
    });

  it("is refused when a byte is missing, is another, or the block is of another type", async () => {
    const pem = await requestWith(ecdsa);
    const bytes = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
    const wrapped = (some: Uint8Array, type = "CERTIFICATE REQUEST") =>
      `-----BEGIN ${type}-----\n${Buffer.from(some).toString("base64")}\n-----END ${type}-----\n`;
    assert.throws(() => readCertificateRequest(wrapped(bytes, "CERTIFICATE")), /PEM block type must be/);
    assert.throws(() => readCertificateRequest("x"), /PEM block type must be/);
    for (let at = 0; at < bytes.length; at++) {
      assert.throws(() => readCertificateRequest(wrapped(bytes.subarray(0, at))), CertificateRequestError);
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x55;
      assert.throws(
        () => checkRequestSignature(readCertificateRequest(wrapped(changed))),
        CertificateRequestError,
        `byte ${at}`,
      );
    }
  });

  it("says nothing for a key of another kind than the signature's", async () => {
    const read = readCertificateRequest(await requestWith(ecdsa));
    const { publicKey } = generateKeyPairSync("ed25519");
    const publicKeyInfo = publicKey.export({ type: "spki", format: "der" });
    assert.throws(() => checkRequestSignature({ ...read, publicKeyInfo }), CertificateRequestError);
  });
});
