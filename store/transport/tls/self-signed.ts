import { existsSync } from "node:fs";
import { chmod, mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Log } from "../../../base/os/log.ts";
import { createSelfSigned } from "../../../base/os/pki.ts";
import type { TlsSettings } from "./settings.ts";

/** Makes the certificates that ports make themselves, where they are not there yet. The key is there before its certificate, so
 *  that no start finds half of them. */
export async function makeSelfSigned(ports: readonly (TlsSettings | undefined)[], log: Log): Promise<void> {
  for (const port of ports) {
    if (port?.selfSigned === undefined) continue;
    const { certFile, keyFile, selfSigned } = port;
    if (existsSync(certFile) && existsSync(keyFile)) continue;
    // Loaded only where it is needed: it is much to load at every start.
    const validDays = selfSigned.validYears * 365;
    const { hosts, usage } = selfSigned;
    const made = await createSelfSigned({ organization: "etcd", hosts, usage, validDays });
    log.warn("automatically generate certificates", { "valid-days": validDays });
    await mkdir(dirname(certFile), { recursive: true, mode: 0o700 });
    await writeWhole(keyFile, made.privateKeyPem);
    await writeWhole(certFile, made.certificatePem);
    log.info("created cert file", { path: certFile });
    log.info("created key file", { path: keyFile });
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const part = `${path}.part`;
  await writeFile(part, text, { mode: 0o600 });
  await chmod(part, 0o600); // where it was left behind with another
  await rename(part, path);
}
