import type { X509Certificate } from "node:crypto";
import { DerError, type DerValue, derChildren, derTags, readDer } from "../../../base/der.ts";
import { readPem } from "../../../base/pem.ts";

/** Serial numbers of certificates that hold no more, as of a revocation list (RFC 5280, section 5.1), PEM or DER: lower-case
 *  hexadecimal without leading zeros. Throws DerError where it is none. */
export function revokedSerials(list: Uint8Array): ReadonlySet<string> {
  const text = Buffer.from(list.buffer, list.byteOffset, list.length).toString("latin1");
  const lists = readPem(text).filter(({ type }) => type === "X509 CRL");
  const ders = lists.length > 0 ? lists.map(({ bytes }) => bytes) : [list];
  return new Set(ders.flatMap(serialsOf));
}

/** The one of a certificate and those that signed it that is in the list. */
export function revokedOf(certificate: X509Certificate, revoked: ReadonlySet<string>): string | undefined {
  const serial = plainHex(certificate.serialNumber);
  if (revoked.has(serial)) return serial;
  const issuer = certificate.issuerCertificate;
  const isLast = issuer === undefined || issuer.fingerprint256 === certificate.fingerprint256;
  return isLast ? undefined : revokedOf(issuer, revoked);
}

function serialsOf(der: Uint8Array): string[] {
  const [toBeSigned] = derChildren(sequence(readDer(der)));
  const [first, ...others] = derChildren(sequence(toBeSigned));
  // version (optional), signature, issuer, thisUpdate, nextUpdate (optional), revokedCertificates (optional), extensions
  const parts = first?.tag === derTags.integer ? others : [first, ...others];
  const revoked = parts.slice(3).find((part) => part?.tag === derTags.sequence);
  if (parts.length < 3) throw new DerError("no list of revoked certificates");
  return (revoked === undefined ? [] : derChildren(revoked)).map((entry) => {
    const [serial] = derChildren(sequence(entry));
    if (serial?.tag !== derTags.integer) throw new DerError("a revoked certificate without a serial number");
    return plainHex(Buffer.from(serial.content).toString("hex"));
  });
}

function sequence(value: DerValue | undefined): DerValue {
  if (value?.tag !== derTags.sequence) throw new DerError("not a revocation list");
  return value;
}

function plainHex(hex: string): string {
  return hex.toLowerCase().replace(/^0+(?=.)/, "");
}
