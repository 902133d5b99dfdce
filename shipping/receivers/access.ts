import { readFile } from "node:fs/promises";

/** How a server is reached and who it is told we are. Secrets are files alone: they are read when they are needed, so that
 *  changed ones count at once. */
export interface Access {
  readonly url: URL;
  readonly timeoutMs: number;
  readonly gzip: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly serverName?: string;
  readonly basic?: { readonly username: string; readonly passwordFile: string };
  readonly bearerTokenFile?: string;
}

export interface TlsTexts {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
}

const text = (path: string) => readFile(path, "utf8");

/** Rejects where a file cannot be read. */
export async function tlsTexts({ caFile, certFile, keyFile, serverName }: Access): Promise<TlsTexts> {
  return {
    ...(caFile !== undefined && { ca: await text(caFile) }),
    ...(certFile !== undefined && { cert: await text(certFile) }),
    ...(keyFile !== undefined && { key: await text(keyFile) }),
    ...(serverName !== undefined && { servername: serverName }),
  };
}

/** The header `authorization`; undefined where nobody need know who we are. */
export async function authorizationOf({ basic, bearerTokenFile }: Access): Promise<string | undefined> {
  if (bearerTokenFile !== undefined) return `Bearer ${oneLine(await text(bearerTokenFile), bearerTokenFile)}`;
  if (basic === undefined) return undefined;
  const password = oneLine(await text(basic.passwordFile), basic.passwordFile);
  return `Basic ${Buffer.from(`${basic.username}:${password}`).toString("base64")}`;
}

/** What stands in the file, which its error does not tell. */
function oneLine(content: string, path: string): string {
  const line = content.replace(/\r?\n$/, "");
  if (line === "" || /[\r\n\0]/.test(line)) throw new Error(`${path} has no secret of one line`);
  return line;
}
