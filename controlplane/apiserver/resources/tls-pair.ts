import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";

/** What is wrong with a certificate and its key in PEM, in the words of Go's crypto/tls; undefined: nothing. */
export function tlsPairProblem(certificate: Buffer, key: Buffer): string | undefined {
  const blocks = pemBlocks(certificate);
  const [found] = blocks.filter(({ type }) => type === "CERTIFICATE");
  if (found === undefined) return noCertificate(blocks);
  const keyBlocks = pemBlocks(key);
  const [foundKey] = keyBlocks.filter(({ type }) => isKeyType(type));
  if (foundKey === undefined) return noKey(keyBlocks);
  const owner = read(() => new X509Certificate(found.text).publicKey);
  if (owner === undefined) return "x509: malformed certificate";
  const own = read(() => createPublicKey(createPrivateKey(foundKey.text)));
  if (own === undefined) return "tls: failed to parse private key";
  if (own.asymmetricKeyType !== owner.asymmetricKeyType)
    return "tls: private key type does not match public key type";
  return own.equals(owner) ? undefined : "tls: private key does not match public key";
}

interface PemBlock {
  readonly type: string;
  readonly text: string;
}

function pemBlocks(bytes: Buffer): readonly PemBlock[] {
  const text = bytes.toString("latin1");
  const blocks = /-----BEGIN ([^\n-]+)-----\r?\n[^-]*-----END \1-----/g;
  return [...text.matchAll(blocks)].map(([whole, type = ""]) => ({ type, text: whole }));
}

const isKeyType = (type: string) => type === "PRIVATE KEY" || type.endsWith(" PRIVATE KEY");

function noCertificate(blocks: readonly PemBlock[]): string {
  if (blocks.length === 0) return "tls: failed to find any PEM data in certificate input";
  if (blocks.length === 1 && isKeyType(blocks[0]?.type ?? ""))
    return "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched";
  return `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: ${types(blocks)}`;
}

function noKey(blocks: readonly PemBlock[]): string {
  if (blocks.length === 0) return "tls: failed to find any PEM data in key input";
  if (blocks.length === 1 && blocks[0]?.type === "CERTIFICATE")
    return "tls: found a certificate rather than a key in the PEM for the private key";
  return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: ${types(blocks)}`;
}

const types = (blocks: readonly PemBlock[]) => `[${blocks.map(({ type }) => type).join(" ")}]`;

function read(key: () => KeyObject): KeyObject | undefined {
  try {
    return key();
  } catch {
    return undefined;
  }
}
