import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyPairKeyObjectResult,
  X509Certificate,
} from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { basicConstraints, type KeyUsage, nameBytes, subjectKeyIdentifier } from "../certificate-parts.ts";
import { certificatePem } from "../pem.ts";

import { readCertificateRequest } from "./certificate-request.ts";
import { createPrivateKeyPem, makeCertificateRequest } from "./make-certificate-request.ts";
import {
  type Certificate,
  createAuthority,
  createSelfSigned,
  issueCertificate,
  privatePem,
  publicBytes,
} from "./pki.ts";
import { signerWith } from "./sign-bytes.ts";
import { signingAuthority } from "./sign-certificate.ts";

const dayMs = 86_400_000;

describe("certificates that are issued here", () => {
  it("say what was asked, to Node and to another library", async () => {
    const authority = await createAuthority({ name: "an authority" });
    const made = await issueCertificate(authority, {
      commonName: "dév 1",
      organizations: ["system:masters", "b"],
      dnsNames: ["a.example", "*.b.example"],
      addresses: ["10.0.0.1", "fd00::1"],
      usage: "both",
      validDays: 30,
    });
    const [ca, read] = [
      new X509Certificate(authority.certificatePem),
      new X509Certificate(made.certificatePem),
    ];
    assert.ok(ca.ca && !read.ca);
    assert.ok(ca.verify(ca.publicKey) && read.verify(ca.publicKey) && !read.verify(read.publicKey));
    assert.ok(read.checkIssued(ca));
    assert.ok(read.checkPrivateKey(createPrivateKey(made.privateKeyPem)));
    assert.equal(read.subject, "O=system:masters\nO=b\nCN=dév 1");
    assert.equal(read.issuer, "CN=an authority");
    assert.equal(
      read.subjectAltName,
      "DNS:a.example, DNS:*.b.example, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1",
    );
    assert.deepEqual(read.keyUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    assert.equal(Date.parse(read.validTo) - Date.parse(read.validFrom), 31 * dayMs);
    const twin = new x509.X509Certificate(made.certificatePem);
    assert.equal(twin.getExtension(x509.KeyUsagesExtension)?.usages, 0b101);
    const keyId = new x509.X509Certificate(authority.certificatePem).getExtension(
      x509.SubjectKeyIdentifierExtension,
    )?.keyId;
    assert.equal(twin.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId, keyId);
    assert.match(keyId ?? "", /^[0-9a-f]{40}$/);
    assert.ok(
      await twin.verify({
        publicKey: await new x509.X509Certificate(authority.certificatePem).publicKey.export(),
      }),
    );
  });

  it("vouch for themselves where nobody else does", async () => {
    const made = await createSelfSigned({
      organization: "etcd",
      hosts: ["localhost", "::1"],
      usage: "server",
      validDays: 1,
    });
    const read = new X509Certificate(made.certificatePem);
    assert.ok(read.verify(read.publicKey));
    assert.equal(read.subjectAltName, "DNS:localhost, IP Address:0:0:0:0:0:0:0:1");
    assert.deepEqual(read.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
  });

  it("are not made for what is no name or no address", async () => {
    const authority = await createAuthority({ name: "an authority" });
    const issue = (names: object) =>
      issueCertificate(authority, { commonName: "x", usage: "server", ...names });
    await assert.rejects(issue({ addresses: ["10.0.0.256"] }), /10\.0\.0\.256 is not an IP address/);
    await assert.rejects(
      issue({ dnsNames: ["bücher.example"] }),
      /"bücher\.example" is not written in ASCII/,
    );
  });

  it("are what openssl takes, strictly", async function () {
    const found = (() => {
      try {
        return execFileSync("openssl", ["version"]);
      } catch {
        return undefined;
      }
    })();
    if (found === undefined) return void this.skip();
    const folder = mkdtempSync(join(tmpdir(), "pintle-pki-"));
    try {
      const authority = await createAuthority({ name: "an authority" });
      const made = await issueCertificate(authority, {
        commonName: "n1",
        dnsNames: ["n1"],
        usage: "server",
      });
      const at = (name: string, text: string) => {
        writeFileSync(join(folder, name), text);
        return join(folder, name);
      };
      const args = ["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "n1"];
      const ca = at("ca.pem", authority.certificatePem);
      const said = execFileSync("openssl", [...args, "-CAfile", ca, at("n1.pem", made.certificatePem)]);
      assert.match(String(said), /: OK\n$/);
      const request = at(
        "n1.csr",
        makeCertificateRequest({ commonName: "n1", organizations: [], dnsNames: ["n1"] }, made.privateKeyPem),
      );
      assert.match(
        String(
          execFileSync("openssl", ["req", "-in", request, "-verify", "-noout", "-subject"], {
            stdio: "pipe",
          }),
        ),
        /CN = n1/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("an authority that signs what others ask", () => {
  const authorities: Readonly<Record<string, () => KeyPairKeyObjectResult>> = {
    "P-256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    "P-384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
    "P-521": () => generateKeyPairSync("ec", { namedCurve: "P-521" }),
    RSA: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  };
  const terms = {
    notBeforeMs: Date.UTC(2030, 0, 1),
    notAfterMs: Date.UTC(2051, 0, 1),
    keyUsages: ["digitalSignature", "decipherOnly"] as readonly KeyUsage[],
    extendedKeyUsages: ["2.16.840.1.113730.4.1"],
  };

  for (const [name, generate] of Object.entries(authorities))
    it(`signs with ${name}, and is named as it names itself`, async () => {
      const issuer = authorityOf(generate());
      const request = makeCertificateRequest(
        {
          commonName: "system:node:n1",
          organizations: ["system:nodes"],
          dnsNames: ["n1"],
          addresses: ["10.0.0.1"],
        },
        await createPrivateKeyPem(),
      );
      const signer = signingAuthority(issuer);
      const read = new X509Certificate(signer.sign(readCertificateRequest(request), terms));
      const ca = new X509Certificate(issuer.certificatePem);
      assert.ok(read.verify(ca.publicKey) && read.checkIssued(ca));
      assert.equal(signer.notAfterMs, Date.parse(ca.validTo));
      assert.equal(read.issuer, ca.subject);
      assert.equal(read.subject, "O=system:nodes\nCN=system:node:n1");
      assert.equal(read.subjectAltName, "DNS:n1, IP Address:10.0.0.1");
      assert.deepEqual(read.keyUsage, ["2.16.840.1.113730.4.1"]);
      assert.equal(Date.parse(read.validFrom), terms.notBeforeMs);
      assert.equal(Date.parse(read.validTo), terms.notAfterMs);
      assert.equal(
        new x509.X509Certificate(read.toString()).getExtension(x509.KeyUsagesExtension)?.usages,
        0x101,
      );
    });

  it("marks other names as all there is where the subject is empty", async () => {
    const keys = await globalThis.crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
      "sign",
      "verify",
    ]);
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      name: [],
      keys: keys as never,
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          { type: "email", value: "a@example.com" },
          { type: "url", value: "spiffe://a/b" },
        ]),
      ],
    });
    const authority = signingAuthority(await createAuthority({ name: "an authority" }));
    const pem = authority.sign(readCertificateRequest(request.toString("pem")), terms);
    const names = new x509.X509Certificate(pem).getExtension(x509.SubjectAlternativeNameExtension);
    assert.ok(names?.critical);
    assert.equal(new X509Certificate(pem).subjectAltName, "email:a@example.com, URI:spiffe://a/b");
  });

  it("signs with no other kind of key", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const { certificatePem } = await createAuthority({ name: "an authority" });
    const privateKeyPem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
    assert.throws(
      () => signingAuthority({ certificatePem, privateKeyPem }),
      /a key of type ed25519 signs no/,
    );
  });
});

/** As another tool makes one: with a name of several parts, and a key that is not named by its SHA-1. */
function authorityOf({ publicKey, privateKey }: KeyPairKeyObjectResult): Certificate {
  const subject = nameBytes({ commonName: "another", organizations: ["x", "y"] });
  const bytes = signerWith(privateKey).certificate({
    serial: Uint8Array.of(0x80, 1),
    issuer: subject,
    subject,
    notBeforeMs: Date.UTC(2025, 0, 1),
    notAfterMs: Date.UTC(2049, 11, 31, 23, 59, 59),
    publicKey: publicBytes(publicKey),
    extensions: [basicConstraints(true), subjectKeyIdentifier(Buffer.from("of another hash"))],
  });
  return { certificatePem: certificatePem(bytes), privateKeyPem: privatePem(privateKey) };
}
