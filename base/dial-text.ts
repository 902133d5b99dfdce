import { certificateText } from "./certificate-text.ts";

/** What Go says of a connection that could not be made. */
export function dialText(
  error: Error,
  { host, port }: { readonly host: string; readonly port: number },
): string {
  const certificate = certificateText(error, host);
  if (certificate !== undefined) return certificate;
  const alert = "reason" in error && /\balert ([a-z ]+)$/.exec(String(error.reason));
  if (alert) return `remote error: tls: ${alert[1]}`;
  const code = "code" in error ? String(error.code) : "";
  const at = `dial tcp ${host.includes(":") ? `[${host}]` : host}:${port}`;
  if (code === "ENOTFOUND") return `dial tcp: lookup ${host}: no such host`;
  if (code === "ETIMEDOUT") return `${at}: i/o timeout`;
  const why = dialFailures[code];
  return why === undefined ? error.message : `${at}: connect: ${why}`;
}

const dialFailures: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
};
