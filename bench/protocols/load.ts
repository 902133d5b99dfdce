import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { ApiAccess } from "../api/peers.ts";

export const protocols = ["HTTP/1.1", "HTTP/2"] as const;
export type Protocol = (typeof protocols)[number];

/** GETs of one path with a bearer token by so many kept connections, one request at a time each: how many were answered a second.
 *  `h2load` (of nghttp2) asks by both protocols, so that both are asked by the same hand. Rejects where a request failed. */
export async function readObject(
  { port }: ApiAccess,
  {
    protocol,
    path,
    token,
    clients,
    requests,
  }: {
    readonly protocol: Protocol;
    readonly path: string;
    readonly token: string;
    readonly clients: number;
    readonly requests: number;
  },
): Promise<number> {
  const { stdout } = await promisify(execFile)("h2load", [
    ...(protocol === "HTTP/1.1" ? ["--h1"] : []),
    ...["-c", `${clients}`, "-m", "1", "-n", `${requests}`, "-H", `authorization: Bearer ${token}`],
    `https://127.0.0.1:${port}${path}`,
  ]);
  const codes = /^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx$/m
    .exec(stdout)
    ?.slice(1)
    .map(Number);
  const perSecond = Number(/^finished in .*, ([\d.]+) req\/s,/m.exec(stdout)?.[1]);
  if (codes?.[0] !== requests || Number.isNaN(perSecond)) throw new Error(`h2load says:\n${stdout}`);
  return perSecond;
}
