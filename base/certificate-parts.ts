import { type DerValue, derChildren, derOid, derTags, readDer } from "./der.ts";
import {
  derAgain,
  derBits,
  derBoolean,
  derContext,
  derImplicit,
  derNamedBits,
  derOctets,
  derOidOf,
  derSequence,
  derSetOf,
  derText,
  derTime,
  derUnsigned,
  derValue,
} from "./der-writer.ts";

/** What X.509 certificates and requests for them (PKCS #10) are made of, as bytes (RFC 5280, RFC 2986). Pure. */
const oids = {
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  extensionRequest: "1.2.840.113549.1.9.14",
} as const;

export const serverAuth = "1.3.6.1.5.5.7.3.1";
export const clientAuth = "1.3.6.1.5.5.7.3.2";

/** Each stands for its bit. */
const keyUsageBits = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;
export type KeyUsage = (typeof keyUsageBits)[number];

/** Name of a subject: organizations first, as Kubernetes writes them. */
export interface Subject {
  readonly commonName?: string;
  readonly organizations?: readonly string[];
}

export function nameBytes({ commonName, organizations = [] }: Subject): Uint8Array {
  const pairs = organizations.map((value) => [oids.organization, value] as const);
  const all = commonName === undefined ? pairs : [...pairs, [oids.commonName, commonName] as const];
  return derSequence(...all.map(([type, value]) => derSetOf(derSequence(derOidOf(type), derText(value)))));
}

/** One that a certificate is for besides its subject; `ip` as 4 or 16 bytes, the others as the letters' bytes. */
export interface AlternativeName {
  readonly type: "email" | "dns" | "uri" | "ip";
  readonly bytes: Uint8Array;
}
const alternativeTags = { email: 1, dns: 2, uri: 6, ip: 7 } as const;

export type Extension = Uint8Array;

export const basicConstraints = (isAuthority: boolean): Extension =>
  extension(oids.basicConstraints, derSequence(...(isAuthority ? [derBoolean(true)] : [])), true);

export const keyUsage = (usages: readonly KeyUsage[]): Extension =>
  extension(oids.keyUsage, derNamedBits(usages.map((usage) => keyUsageBits.indexOf(usage))), true);

/** @param usages Object identifiers. */
export const extendedKeyUsage = (usages: readonly string[]): Extension =>
  extension(oids.extendedKeyUsage, derSequence(...usages.map(derOidOf)));

export const subjectKeyIdentifier = (id: Uint8Array): Extension =>
  extension(oids.subjectKeyIdentifier, derOctets(id));

export const authorityKeyIdentifier = (id: Uint8Array): Extension =>
  extension(oids.authorityKeyIdentifier, derSequence(derImplicit(0, id)));

/** @param isCritical Where they are all there is to say who it is: the subject is empty. */
export const alternativeNames = (names: readonly AlternativeName[], isCritical = false): Extension =>
  extension(
    oids.subjectAltName,
    derSequence(...names.map(({ type, bytes }) => derImplicit(alternativeTags[type], bytes))),
    isCritical,
  );

function extension(id: string, value: Uint8Array, isCritical = false): Extension {
  return derSequence(derOidOf(id), ...(isCritical ? [derBoolean(true)] : []), derOctets(value));
}

/** All that a signature vouches for. */
export interface CertificateBody {
  /** Bytes of a number above zero. */
  readonly serial: Uint8Array;
  /** As `nameBytes` writes them, or as they stand in the issuer's certificate. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly extensions: readonly Extension[];
}

/** @param algorithm The AlgorithmIdentifier that `signedBytes` is given, too. */
export function certificateBody(body: CertificateBody, algorithm: Uint8Array): Uint8Array {
  return derSequence(
    derContext(0, derUnsigned(Uint8Array.of(2))), // version 3
    derUnsigned(body.serial),
    algorithm,
    body.issuer,
    derSequence(derTime(body.notBeforeMs), derTime(body.notAfterMs)),
    body.subject,
    body.publicKey,
    derContext(3, derSequence(...body.extensions)),
  );
}

export interface RequestBody {
  readonly subject: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly extensions: readonly Extension[];
}

export function requestBody({ subject, publicKey, extensions }: RequestBody): Uint8Array {
  const asked = derSequence(derOidOf(oids.extensionRequest), derSetOf(derSequence(...extensions)));
  return derSequence(
    derUnsigned(Uint8Array.of(0)),
    subject,
    publicKey,
    derContext(0, ...(extensions.length === 0 ? [] : [asked])),
  );
}

/** A certificate or a request: what is signed, by which algorithm, and the signature. */
export const signedBytes = (body: Uint8Array, algorithm: Uint8Array, signature: Uint8Array): Uint8Array =>
  derSequence(body, algorithm, derBits(signature));

/** What an issuer's certificate hands on to those that it signs. */
export interface IssuerNames {
  readonly subject: Uint8Array;
  /** Absent where it names its key by nothing. */
  readonly keyId?: Uint8Array;
}

/** Reads a certificate's bytes (DER). Throws DerError. */
export function issuerNames(certificate: Uint8Array): IssuerNames {
  const [body] = derChildren(readDer(certificate));
  const fields = body === undefined ? [] : derChildren(body);
  const first = fields[0]?.tag === 0xa0 ? 1 : 0;
  const subject = fields[first + 4];
  if (subject?.tag !== derTags.sequence) throw new Error("not a certificate");
  const keyId = extensionsOf(fields).find(
    ([id]) => id !== undefined && derOid(id) === oids.subjectKeyIdentifier,
  );
  const value = keyId?.at(-1);
  return {
    subject: subject.whole,
    ...(value === undefined ? {} : { keyId: readDer(value.content).content }),
  };
}

const extensionsOf = (fields: readonly DerValue[]): readonly (readonly DerValue[])[] =>
  fields
    .filter(({ tag }) => tag === 0xa3)
    .flatMap(derChildren)
    .flatMap(derChildren)
    .map(derChildren);

/** The name in somebody's request, anew. Throws DerError where it is none. */
export function requestedSubject(request: Uint8Array): Uint8Array {
  const [info] = derChildren(readDer(request));
  const subject = info === undefined ? undefined : derChildren(info)[1];
  if (subject?.tag !== derTags.sequence) throw new Error("not a certificate request");
  return derAgain(subject);
}

/** A subject without any part. */
export const isEmptyName = (name: Uint8Array): boolean => name.length === derValue(derTags.sequence).length;
