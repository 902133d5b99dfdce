import { constants, createPublicKey, verify } from "node:crypto";
import { DerError, type DerValue, derChildren, derOid, derTags, readDer } from "../der.ts";
import { readPem } from "../pem.ts";

/** A request for a certificate (PKCS #10), as far as somebody who decides about it has to know it. */
export interface CertificateRequestInfo {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
  /** As bytes, 4 or 16. */
  readonly addresses: readonly Uint8Array[];
  /** The whole, DER. */
  readonly raw: Uint8Array;
  readonly publicKeyInfo: Uint8Array;
  readonly signed: Uint8Array;
  readonly algorithm: { readonly oid: string; readonly parameters: DerValue | undefined };
  readonly signature: Uint8Array;
}

/** Why bytes are no request, or no honest one: Go's words, where it has any that can be told. */
export class CertificateRequestError extends Error {
  override readonly name = "CertificateRequestError";
}

const oids = {
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  extensionRequest: "1.2.840.113549.1.9.14",
  subjectAltName: "2.5.29.17",
} as const;

/** Reads the first PEM block of a text. Throws CertificateRequestError. */
export function readCertificateRequest(pem: string): CertificateRequestInfo {
  const [block] = readPem(pem);
  if (block?.type !== "CERTIFICATE REQUEST")
    throw new CertificateRequestError("PEM block type must be CERTIFICATE REQUEST");
  try {
    return fromDer(block.bytes);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new CertificateRequestError(`asn1: syntax error: ${error.message}`);
  }
}

function fromDer(raw: Uint8Array): CertificateRequestInfo {
  const [info, algorithm, signature, more] = parts(readDer(raw), derTags.sequence);
  if (info === undefined || algorithm?.tag !== derTags.sequence || more !== undefined)
    throw new DerError("not a certificate request");
  // Signatures are whole bytes.
  if (signature?.tag !== derTags.bitString || signature.content[0] !== 0)
    throw new DerError("not a certificate request");
  const [version, subject, key, ...rest] = parts(info, derTags.sequence);
  if (version?.tag !== derTags.integer || subject === undefined || key === undefined)
    throw new DerError("not a certificate request");
  const [oid, parameters] = derChildren(algorithm);
  if (oid === undefined) throw new DerError("not a certificate request");
  const names = parts(subject, derTags.sequence).flatMap((set) =>
    parts(set, derTags.set).map((pair) => {
      const [type, value] = parts(pair, derTags.sequence);
      if (type === undefined || value === undefined) throw new DerError("not a name");
      return { type: derOid(type), text: textOf(value) };
    }),
  );
  const alternatives = alternativeNames(rest);
  const texts = (tag: number) =>
    alternatives
      .filter((one) => one.tag === tag)
      .map(({ content }) => Buffer.from(content).toString("latin1"));
  return {
    commonName: names.filter(({ type }) => type === oids.commonName).at(-1)?.text ?? "",
    organizations: names.filter(({ type }) => type === oids.organization).map(({ text }) => text),
    emails: texts(0x81),
    dnsNames: texts(0x82),
    uris: texts(0x86),
    addresses: alternatives.filter(({ tag }) => tag === 0x87).map(({ content }) => content),
    raw,
    publicKeyInfo: key.whole,
    signed: info.whole,
    algorithm: { oid: derOid(oid), parameters },
    signature: signature.content.subarray(1),
  };
}

function parts(value: DerValue, tag: number): readonly DerValue[] {
  if (value.tag !== tag) throw new DerError("tags don't match");
  return derChildren(value);
}

function textOf({ tag, content }: DerValue): string {
  if (tag === derTags.utf8String) return Buffer.from(content).toString("utf8");
  if (tag !== derTags.bmpString) return Buffer.from(content).toString("latin1");
  return Buffer.from(content)
    .subarray(0, content.length & ~1)
    .swap16()
    .toString("utf16le");
}

/** The subjectAltName among the extensions that the request's attributes ask for. */
function alternativeNames(rest: readonly DerValue[]): readonly DerValue[] {
  const attributes = rest.filter(({ tag }) => tag === 0xa0).flatMap(derChildren);
  for (const attribute of attributes) {
    const [type, values] = parts(attribute, derTags.sequence);
    if (type === undefined || values === undefined || derOid(type) !== oids.extensionRequest) continue;
    for (const extension of derChildren(values).flatMap((list) => parts(list, derTags.sequence))) {
      const fields = parts(extension, derTags.sequence);
      const [id, value] = [fields[0], fields.at(-1)];
      if (id === undefined || derOid(id) !== oids.subjectAltName) continue;
      if (value?.tag !== derTags.octetString) throw new DerError("tags don't match");
      return parts(readDer(value.content), derTags.sequence);
    }
  }
  return [];
}

interface Scheme {
  readonly key: "ec" | "rsa" | "ed25519";
  readonly hash?: string;
}
const schemes: Readonly<Record<string, Scheme>> = {
  "1.2.840.10045.4.3.2": { key: "ec", hash: "sha256" },
  "1.2.840.10045.4.3.3": { key: "ec", hash: "sha384" },
  "1.2.840.10045.4.3.4": { key: "ec", hash: "sha512" },
  "1.2.840.113549.1.1.11": { key: "rsa", hash: "sha256" },
  "1.2.840.113549.1.1.12": { key: "rsa", hash: "sha384" },
  "1.2.840.113549.1.1.13": { key: "rsa", hash: "sha512" },
  "1.3.101.112": { key: "ed25519" },
};
const pssOid = "1.2.840.113549.1.1.10";
const pssHashes: Readonly<Record<string, string>> = {
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};
const mismatch = {
  ec: "x509: ECDSA verification failure",
  rsa: "crypto/rsa: verification error",
  ed25519: "x509: Ed25519 verification failure",
} as const;

/** Whoever asks has the private key. Throws CertificateRequestError where the signature does not show it. */
export function checkRequestSignature(request: CertificateRequestInfo): void {
  const { oid, parameters } = request.algorithm;
  const pssHash = oid === pssOid && parameters !== undefined ? hashOfPss(parameters) : undefined;
  const scheme: Scheme | undefined = pssHash === undefined ? schemes[oid] : { key: "rsa", hash: pssHash };
  if (scheme === undefined)
    throw new CertificateRequestError("x509: cannot verify signature: algorithm unimplemented");
  if (!isSigned(request, scheme, pssHash !== undefined))
    throw new CertificateRequestError(mismatch[scheme.key]);
}

function hashOfPss(parameters: DerValue): string | undefined {
  try {
    const hash = derChildren(parameters).find(({ tag }) => tag === 0xa0);
    const [algorithm] = hash === undefined ? [] : derChildren(hash);
    const [type] = algorithm === undefined ? [] : derChildren(algorithm);
    return type === undefined ? undefined : pssHashes[derOid(type)];
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function isSigned(request: CertificateRequestInfo, { key: kind, hash }: Scheme, isPss: boolean): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(request.publicKeyInfo), format: "der", type: "spki" });
    if (key.asymmetricKeyType !== kind) return false;
    const options = isPss
      ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : key;
    return verify(hash ?? null, request.signed, options, request.signature);
  } catch {
    return false; // a key that is none signed nothing
  }
}
