import assert from "node:assert/strict";
import { webcrypto, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { readCertificateRequest } from "../../../base/os/certificate-request.ts";
import { parseFlags } from "../../../base/os/flags.ts";
import { silentLog } from "../../../base/os/log.ts";
import { type Certificate, createAuthority, issueCertificate } from "../../../base/os/pki.ts";
import { type SigningAuthority, signingAuthority } from "../../../base/os/sign-certificate.ts";
import { AuthorityFiles } from "./authority-files.ts";
import { clusterSigningConfig, clusterSigningFlags } from "./flags.ts";

const reading = { log: silentLog, readText: (path: string) => readFileSync(path, "utf8") };
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

async function signedBy(authority: SigningAuthority): Promise<X509Certificate> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const name: x509.JsonName = [{ CN: ["jane"] }];
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: algorithm,
  });
  const nowMs = Date.now();
  const terms = { notBeforeMs: nowMs, notAfterMs: nowMs + 60_000, keyUsages: [], extendedKeyUsages: [] };
  return new X509Certificate(authority.sign(readCertificateRequest(made.toString("pem")), terms));
}

/** An authority whose key is named otherwise than by its SHA-1, as Go's newer ones are, or not at all. */
async function authorityNamed(
  keyId: string | undefined,
  signing: typeof algorithm | { readonly name: "Ed25519" } = algorithm,
): Promise<Certificate> {
  const keys = (await webcrypto.subtle.generateKey(signing, true, [
    "sign",
    "verify",
  ])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=named",
    keys,
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      ...(keyId === undefined ? [] : [new x509.SubjectKeyIdentifierExtension(keyId)]),
    ],
  });
  const bytes = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const privateKeyPem = `-----BEGIN PRIVATE KEY-----\n${bytes}\n-----END PRIVATE KEY-----\n`;
  return { certificatePem: certificate.toString("pem"), privateKeyPem };
}

describe("the authority of a signer", () => {
  for (const keyId of ["00112233445566778899aabbccddeeff", undefined])
    it(`is known by its own name for its key: ${keyId ?? "none"}`, async () => {
      const authority = await authorityNamed(keyId);
      const issuer = new X509Certificate(authority.certificatePem);
      assert.ok((await signedBy(signingAuthority(authority))).checkIssued(issuer));
      const issued = await issueCertificate(authority, { commonName: "jane", usage: "client" });
      assert.ok(new X509Certificate(issued.certificatePem).checkIssued(issuer));
    });

  describe("in files", () => {
    let folder: string;
    let files: { readonly certificateFile: string; readonly keyFile: string };
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "authority-"));
      files = { certificateFile: join(folder, "ca.pem"), keyFile: join(folder, "key.pem") };
    });
    afterEach(() => rmSync(folder, { recursive: true }));
    const write = (certificate: Certificate, key: Certificate) => {
      writeFileSync(files.certificateFile, certificate.certificatePem);
      writeFileSync(files.keyFile, key.privateKeyPem);
    };

    it("signs once it is renewed, and not before both files are", async () => {
      const [old, next] = [await createAuthority({ name: "old" }), await createAuthority({ name: "next" })];
      write(old, old);
      const authority = new AuthorityFiles(files, reading);
      const issuer = async () => (await signedBy(authority.current())).issuer;
      assert.equal(await issuer(), "CN=old");
      write(next, old);
      assert.equal(await issuer(), "CN=old");
      write(next, next);
      assert.equal(await issuer(), "CN=next");
    });

    it("signs on where what it was renewed to cannot", async () => {
      const [old, next] = [await createAuthority({ name: "old" }), await createAuthority({ name: "next" })];
      write(old, old);
      const authority = new AuthorityFiles(files, reading);
      const issuer = async () => (await signedBy(authority.current())).issuer;
      const other = await authorityNamed(undefined, { name: "Ed25519" });
      write(other, other);
      assert.deepEqual([await issuer(), await issuer()], ["CN=old", "CN=old"]);
      write(next, next);
      assert.equal(await issuer(), "CN=next");
    });

    it("is refused where the key is another's", async () => {
      write(await createAuthority({ name: "a" }), await createAuthority({ name: "b" }));
      assert.throws(() => new AuthorityFiles(files, reading), /is not that of the certificate/);
    });
  });

  it("is one for all, or one for each signer that signs here", () => {
    const read = (...argv: string[]) => {
      const problems: string[] = [];
      const config = clusterSigningConfig(parseFlags(clusterSigningFlags, argv).flags, problems);
      return problems.length > 0 ? problems.join() : [...(config?.files ?? [])].map(([name]) => name).sort();
    };
    const all = ["--cluster-signing-cert-file=c", "--cluster-signing-key-file=k"];
    const client = [
      "--cluster-signing-kubelet-client-cert-file=c",
      "--cluster-signing-kubelet-client-key-file=k",
    ];
    assert.deepEqual(read(), []);
    assert.equal(read(...all).length, 4);
    assert.deepEqual(read(...client), ["kubernetes.io/kube-apiserver-client-kubelet"]);
    assert.match(
      String(read(...all, ...client)),
      /--cluster-signing-kubelet-client-cert-file: not allowed together/,
    );
    assert.match(
      String(read("--cluster-signing-legacy-unknown-key-file=k")),
      /legacy-unknown-cert-file and .* one needs/,
    );
  });
});
