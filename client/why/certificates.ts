import { type DerValue, derChildren, derOid, readDer } from "../../base/der.ts";

/** What is looked at of an X.509 certificate. */
export interface CertificateFacts {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Host names and addresses that it is for. */
  readonly names: readonly string[];
}

const block = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;
const certificatesMax = 50;

/** The certificates in base64 of a PEM text, as Secrets and caBundles have them. Throws on what is none. Needs no Node.js. */
export function certificatesIn(base64: string): readonly CertificateFacts[] {
  const text = atob(base64.replace(/\s/g, ""));
  const found = [...text.matchAll(block)].slice(0, certificatesMax);
  if (found.length === 0) throw new Error("there is no PEM certificate in it");
  return found.map(([, body = ""]) =>
    readCertificate(Uint8Array.from(atob(body.replace(/\s/g, "")), (char) => char.charCodeAt(0))),
  );
}

/** RFC 5280: TBSCertificate's validity, and the subject's alternative names. */
function readCertificate(bytes: Uint8Array): CertificateFacts {
  const [body] = derChildren(readDer(bytes));
  if (body === undefined) throw new Error("it is no certificate");
  const fields = derChildren(body);
  const hasVersion = fields[0]?.tag === 0xa0;
  const validity = fields[hasVersion ? 4 : 3];
  if (validity === undefined) throw new Error("it is no certificate");
  const [from, until] = derChildren(validity);
  return {
    notBeforeMs: timeOf(from),
    notAfterMs: timeOf(until),
    names: namesIn(fields.find(({ tag }) => tag === 0xa3)),
  };
}

function timeOf(value: DerValue | undefined): number {
  const text = String.fromCharCode(...(value?.content ?? []));
  const [, year = "", rest = ""] = /^(\d{2}|\d{4})(\d{10}Z)$/.exec(text) ?? [];
  const full = year.length === 2 ? `${Number(year) < 50 ? "20" : "19"}${year}` : year;
  const [, month, day, hour, minute, second] = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(rest) ?? [];
  const ms = Date.parse(`${full}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(ms)) throw new Error("its time cannot be read");
  return ms;
}

const alternativeNames = "2.5.29.17";

function namesIn(extensions: DerValue | undefined): readonly string[] {
  if (extensions === undefined) return [];
  const [list] = derChildren(extensions);
  for (const extension of list === undefined ? [] : derChildren(list)) {
    const parts = derChildren(extension);
    const [id] = parts;
    const value = parts.at(-1);
    if (id === undefined || value === undefined || derOid(id) !== alternativeNames) continue;
    return derChildren(readDer(value.content)).flatMap(({ tag, content }) => {
      if (tag === 0x82) return [String.fromCharCode(...content)];
      return tag === 0x87 && content.length === 4 ? [content.join(".")] : [];
    });
  }
  return [];
}

/** Whether one of a certificate's names means a host; `*` stands for one label. */
export function isForHost({ names }: CertificateFacts, host: string): boolean {
  const wanted = host.toLowerCase();
  return names.some((name) => {
    const own = name.toLowerCase();
    if (own === wanted) return true;
    const dot = wanted.indexOf(".");
    return own.startsWith("*.") && dot > 0 && own.slice(1) === wanted.slice(dot);
  });
}
