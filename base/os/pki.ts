import { ownWallMs } from "./own-timers.ts";
import "reflect-metadata";
import { createHash, generateKeyPair, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import { promisify } from "node:util";
import * as x509 from "@peculiar/x509";

/** Certificates of a cluster's own authority: ECDSA P-256, PEM in and out. */
export interface Certificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** Kubernetes reads these as groups. */
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
  readonly usage: "server" | "client" | "both";
  readonly validDays?: number;
}

export const certificateAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 86_400_000;

/** A new self-signed authority, valid for ten years. */
export async function createAuthority(options: {
  readonly name: string;
  readonly nowMs?: number;
}): Promise<Certificate> {
  const keys = await webcrypto.subtle.generateKey(certificateAlgorithm, true, ["sign", "verify"]);
  const nowMs = options.nowMs ?? ownWallMs();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: certificateSubject(options.name, []),
    notBefore: new Date(nowMs - dayMs),
    notAfter: new Date(nowMs + 3650 * dayMs),
    signingAlgorithm: certificateAlgorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: certificate.toString("pem"), privateKeyPem: await privatePem(keys.privateKey) };
}

/** A certificate signed by the authority, valid for a year unless said otherwise. */
export async function issueCertificate(
  authority: Certificate,
  request: CertificateRequest,
): Promise<Certificate> {
  const issuer = new x509.X509Certificate(authority.certificatePem);
  const signingKey = await webcrypto.subtle.importKey(
    "pkcs8",
    pemBody(authority.privateKeyPem),
    certificateAlgorithm,
    false,
    ["sign"],
  );
  const keys = await webcrypto.subtle.generateKey(certificateAlgorithm, true, ["sign", "verify"]);
  const usages: string[] = [];
  if (request.usage !== "client") usages.push(x509.ExtendedKeyUsage.serverAuth);
  if (request.usage !== "server") usages.push(x509.ExtendedKeyUsage.clientAuth);
  const names = alternativeNames(request.dnsNames ?? [], request.addresses ?? []);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: certificateSubject(request.commonName, request.organizations ?? []),
    issuer: issuer.subject,
    notBefore: new Date(ownWallMs() - dayMs),
    notAfter: new Date(ownWallMs() + (request.validDays ?? 365) * dayMs),
    signingAlgorithm: certificateAlgorithm,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment,
        true,
      ),
      new x509.ExtendedKeyUsageExtension(usages),
      ...authorityKeyId(issuer),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  return { certificatePem: certificate.toString("pem"), privateKeyPem: await privatePem(keys.privateKey) };
}

/** A certificate that vouches for itself, for a server and, where it is one of several that trust each other so, its clients'
 *  role, too. `hosts` are names and addresses. */
export async function createSelfSigned(options: {
  readonly organization: string;
  readonly hosts: readonly string[];
  readonly usage: "server" | "both";
  readonly validDays: number;
}): Promise<Certificate> {
  const { organization, hosts, usage, validDays } = options;
  const keys = await webcrypto.subtle.generateKey(certificateAlgorithm, true, ["sign", "verify"]);
  const usages = [x509.ExtendedKeyUsage.serverAuth];
  if (usage === "both") usages.push(x509.ExtendedKeyUsage.clientAuth);
  const isAddress = (host: string) => isIP(host) !== 0;
  const names = alternativeNames(
    hosts.filter((host) => !isAddress(host)),
    hosts.filter(isAddress),
  );
  const nowMs = ownWallMs();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ O: [organization] }],
    notBefore: new Date(nowMs),
    notAfter: new Date(nowMs + validDays * dayMs),
    signingAlgorithm: certificateAlgorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      new x509.ExtendedKeyUsageExtension(usages),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  return { certificatePem: certificate.toString("pem"), privateKeyPem: await privatePem(keys.privateKey) };
}

export function alternativeNames(
  dnsNames: readonly string[],
  addresses: readonly string[],
): x509.JsonGeneralNames {
  return [
    ...dnsNames.map((value) => ({ type: "dns" as const, value })),
    ...addresses.map((value) => {
      if (isIP(value) === 0) throw new Error(`a certificate's address: ${value} is not an IP address`);
      return { type: "ip" as const, value };
    }),
  ];
}

/** Which of its issuer's keys a certificate is signed with, as the issuer itself names it: by whatever hash, or not at all. */
export function authorityKeyId(issuer: x509.X509Certificate): readonly x509.Extension[] {
  const own = issuer.getExtension(x509.SubjectKeyIdentifierExtension);
  return own === null ? [] : [new x509.AuthorityKeyIdentifierExtension(own.keyId)];
}

/** A pair of keys for signatures that others check, RSA: what every library can. PEM. */
export async function createSigningKey(): Promise<{
  readonly privatePem: string;
  readonly publicPem: string;
}> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return { privatePem: privateKey, publicPem: publicKey };
}

/** Short name of a certificate, to tell whether one is still of the authority at hand. */
export function fingerprint(certificatePem: string): string {
  return createHash("sha256").update(pemBody(certificatePem)).digest("hex").slice(0, 16);
}

export function certificateSubject(commonName: string, organizations: readonly string[]): x509.JsonName {
  return [...organizations.map((name) => ({ O: [name] })), { CN: [commonName] }];
}

export function newSerial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return Buffer.from(bytes).toString("hex");
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

function pemBody(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, "").replace(/\s+/g, ""), "base64");
}
