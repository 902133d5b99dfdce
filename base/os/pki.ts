import {
  createHash,
  createPrivateKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from "node:crypto";
import { isIP } from "node:net";
import { promisify } from "node:util";
import {
  type AlternativeName,
  alternativeNames,
  authorityKeyIdentifier,
  basicConstraints,
  clientAuth,
  type Extension,
  extendedKeyUsage,
  issuerNames,
  keyUsage,
  nameBytes,
  serverAuth,
  subjectKeyIdentifier,
} from "../certificate-parts.ts";
import { derChildren, readDer } from "../der.ts";
import { familyBits, parseAddress } from "../ip-range.ts";
import { certificatePem } from "../pem.ts";
import { ownWallMs } from "./own-timers.ts";
import { signerWith } from "./sign-bytes.ts";

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

const dayMs = 86_400_000;

/** A new self-signed authority, valid for ten years. */
export async function createAuthority(options: {
  readonly name: string;
  readonly nowMs?: number;
}): Promise<Certificate> {
  const nowMs = options.nowMs ?? ownWallMs();
  return selfSigned({
    subject: nameBytes({ commonName: options.name }),
    notBeforeMs: nowMs - dayMs,
    notAfterMs: nowMs + 3650 * dayMs,
    extensions: [basicConstraints(true), keyUsage(["keyCertSign", "cRLSign", "digitalSignature"])],
  });
}

/** A certificate signed by the authority, valid for a year unless said otherwise. */
export async function issueCertificate(
  authority: Certificate,
  request: CertificateRequest,
): Promise<Certificate> {
  const { commonName, organizations = [], dnsNames = [], addresses = [], usage, validDays = 365 } = request;
  const issuer = issuerNames(new X509Certificate(authority.certificatePem).raw);
  const names = hostNames(dnsNames, addresses);
  const usages = [...(usage === "client" ? [] : [serverAuth]), ...(usage === "server" ? [] : [clientAuth])];
  const keys = await newKeys();
  const nowMs = ownWallMs();
  const bytes = signerWith(createPrivateKey(authority.privateKeyPem)).certificate({
    serial: newSerial(),
    issuer: issuer.subject,
    subject: nameBytes({ commonName, organizations }),
    notBeforeMs: nowMs - dayMs,
    notAfterMs: nowMs + validDays * dayMs,
    publicKey: publicBytes(keys.publicKey),
    extensions: [
      basicConstraints(false),
      keyUsage(["digitalSignature", "keyEncipherment"]),
      extendedKeyUsage(usages),
      ...issuerKeyId(issuer.keyId),
      ...(names.length > 0 ? [alternativeNames(names)] : []),
    ],
  });
  return { certificatePem: certificatePem(bytes), privateKeyPem: privatePem(keys.privateKey) };
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
  const isAddress = (host: string) => isIP(host) !== 0;
  const names = hostNames(
    hosts.filter((host) => !isAddress(host)),
    hosts.filter(isAddress),
  );
  const nowMs = ownWallMs();
  return selfSigned({
    subject: nameBytes({ organizations: [organization] }),
    notBeforeMs: nowMs,
    notAfterMs: nowMs + validDays * dayMs,
    extensions: [
      basicConstraints(true),
      keyUsage(["digitalSignature", "keyEncipherment", "cRLSign"]),
      extendedKeyUsage(usage === "both" ? [serverAuth, clientAuth] : [serverAuth]),
      ...(names.length > 0 ? [alternativeNames(names)] : []),
    ],
  });
}

async function selfSigned(terms: {
  readonly subject: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly extensions: readonly Extension[];
}): Promise<Certificate> {
  const keys = await newKeys();
  const publicKey = publicBytes(keys.publicKey);
  const bytes = signerWith(keys.privateKey).certificate({
    ...terms,
    serial: newSerial(),
    issuer: terms.subject,
    publicKey,
    extensions: [...terms.extensions, subjectKeyIdentifier(keyIdOf(publicKey))],
  });
  return { certificatePem: certificatePem(bytes), privateKeyPem: privatePem(keys.privateKey) };
}

/** What certificates are valid for. Throws where one is no address, or no name. */
export function hostNames(
  dnsNames: readonly string[],
  addresses: readonly string[],
): readonly AlternativeName[] {
  return [
    ...dnsNames.map((name) => {
      if (!/^[\x21-\x7e]+$/.test(name))
        throw new Error(`a certificate's name: ${JSON.stringify(name)} is not written in ASCII's letters`);
      return { type: "dns" as const, bytes: Buffer.from(name, "latin1") };
    }),
    ...addresses.map((address) => {
      const parsed = parseAddress(address);
      if (parsed === undefined) throw new Error(`a certificate's address: ${address} is not an IP address`);
      const digits = parsed.value.toString(16).padStart(familyBits[parsed.family] / 4, "0");
      return { type: "ip" as const, bytes: Buffer.from(digits, "hex") };
    }),
  ];
}

/** Which of its issuer's keys a certificate is signed with, as the issuer itself names it: by whatever hash, or not at all. */
export const issuerKeyId = (keyId: Uint8Array | undefined): readonly Extension[] =>
  keyId === undefined ? [] : [authorityKeyIdentifier(keyId)];

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
export function fingerprint(pem: string): string {
  return createHash("sha256").update(pemBody(pem)).digest("hex").slice(0, 16);
}

/** 16 bytes of a number above zero. */
export function newSerial(): Uint8Array {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

export const newKeys = (): Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }> =>
  promisify(generateKeyPair)("ec", { namedCurve: "P-256" });

export const publicBytes = (key: KeyObject): Uint8Array => key.export({ type: "spki", format: "der" });

export const privatePem = (key: KeyObject): string => String(key.export({ type: "pkcs8", format: "pem" }));

/** RFC 5280, 4.2.1.2: SHA-1 of the key's bits. */
function keyIdOf(publicKey: Uint8Array): Uint8Array {
  const bits = derChildren(readDer(publicKey))[1]?.content.subarray(1) ?? new Uint8Array();
  return createHash("sha1").update(bits).digest();
}

function pemBody(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, "").replace(/\s+/g, ""), "base64");
}
