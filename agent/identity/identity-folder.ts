import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmod, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import { createPrivateKeyPem } from "../../base/os/make-certificate-request.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import type { Certificate } from "../../base/os/pki.ts";
import { readPem } from "../../base/pem.ts";
import type { ClusterInfo } from "./cluster-info.ts";

export type Purpose = "client" | "serving";

export interface KeptCertificate extends Certificate {
  readonly commonName: string;
  /** That it is for, where it is to serve with. */
  readonly addresses: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** When it was written. */
  readonly savedMs: number;
}

export interface KeptCluster extends ClusterInfo {
  readonly nodeIp: string;
}

/** What a node keeps of who it is. Every file is written whole: after a crash there is the one before, or the new one. */
export class IdentityFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async prepare(): Promise<void> {
    await makeFolder(this.path, 0o700);
    await chmod(this.path, 0o700);
  }

  async cluster(): Promise<KeptCluster | undefined> {
    const text = await ifPresent(readFile(join(this.path, "cluster.json"), "utf8"));
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as KeptCluster;
    } catch {
      throw new Error(`${join(this.path, "cluster.json")} is damaged; remove ${this.path} and join again`);
    }
  }

  saveCluster(cluster: KeptCluster): Promise<void> {
    return this.#write("cluster.json", `${JSON.stringify(cluster, undefined, 1)}\n`);
  }

  /** Undefined where there is none, or none that holds together. */
  async certificate(purpose: Purpose): Promise<KeptCertificate | undefined> {
    const file = join(this.path, `${purpose}.pem`);
    const text = await ifPresent(readFile(file, "utf8"));
    if (text === undefined) return undefined;
    const { mtimeMs } = await stat(file);
    return readCertificate(text, mtimeMs);
  }

  async saveCertificate(purpose: Purpose, { certificatePem, privateKeyPem }: Certificate): Promise<void> {
    await this.#write(`${purpose}.pem`, `${certificatePem.trimEnd()}\n${privateKeyPem.trimEnd()}\n`);
    await this.dropNextKey(purpose);
  }

  /** The key for the next certificate: the one that was begun with, else a new one. */
  async nextKey(purpose: Purpose): Promise<string> {
    const name = nextKeyName(purpose);
    const kept = await ifPresent(readFile(join(this.path, name), "utf8"));
    if (kept !== undefined && isPrivateKey(kept)) return kept;
    const made = await createPrivateKeyPem();
    await this.#write(name, made);
    return made;
  }

  async dropNextKey(purpose: Purpose): Promise<void> {
    await rm(join(this.path, nextKeyName(purpose)), { force: true });
  }

  async #write(name: string, text: string): Promise<void> {
    const path = join(this.path, name);
    const file = await open(`${path}.new`, "w", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    const folder = await open(this.path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

const nextKeyName = (purpose: Purpose) => `${purpose}-next-key.pem`;

/** A certificate with its key; undefined where one of them is missing, or not the other's. */
export function readCertificate(text: string, savedMs: number): KeptCertificate | undefined {
  const blocks = readPem(text);
  const first = blocks.find(({ type }) => type === "CERTIFICATE");
  const keyStart = text.indexOf("-----BEGIN PRIVATE KEY-----");
  if (first === undefined || keyStart < 0) return undefined;
  const [certificatePem, privateKeyPem] = [text.slice(0, keyStart), text.slice(keyStart)];
  try {
    const certificate = new X509Certificate(first.bytes);
    if (!certificate.checkPrivateKey(createPrivateKey(privateKeyPem))) return undefined;
    return {
      certificatePem,
      privateKeyPem,
      commonName: /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? "",
      addresses: addressesIn(certificate),
      notBeforeMs: Date.parse(certificate.validFrom),
      notAfterMs: Date.parse(certificate.validTo),
      savedMs,
    };
  } catch {
    return undefined; // what cannot be read is not there
  }
}

function addressesIn({ subjectAltName = "" }: X509Certificate): readonly string[] {
  const texts = [...subjectAltName.matchAll(/IP Address:([0-9A-Fa-f.:]+)/g)].map(([, text = ""]) => text);
  // IPv6 is written out there, and shortened by whoever asks.
  return texts.map((text) =>
    text.includes(":") ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : text,
  );
}

function isPrivateKey(pem: string): boolean {
  try {
    createPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}
