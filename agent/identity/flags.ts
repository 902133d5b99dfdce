import { readFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { type FlagTable, type FlagValues, UsageError } from "../../base/os/flags.ts";
import { type BootstrapToken, parseBootstrapToken } from "../../client/rules/bootstrap-token.ts";
import { isPublicKeyPin } from "../../client/rules/public-key-pin.ts";

export const joinFlags = {
  server: {
    kind: "string",
    value: "URL",
    help: "Join the cluster of this API server, such as https://10.0.0.1:6443, in place of a kubeconfig.",
  },
  token: {
    kind: "string",
    value: "ID.SECRET",
    help: "Token to join with, needed once (pintle token create). Others may see it on a command line: better $PINTLE_TOKEN or the next.",
  },
  "token-file": { kind: "string", value: "FILE", help: "The token in a file." },
  "discovery-token-ca-cert-hash": {
    kind: "list",
    default: [],
    value: "sha256:HEX",
    help: "The authority of the cluster to join, by the hash of its public key; several while it is replaced.",
  },
} as const satisfies FlagTable;

export interface JoinConfig {
  readonly server: string;
  readonly nodeName: string;
  /** Undefined: the machine must have joined before. */
  readonly token: BootstrapToken | undefined;
  readonly pins: readonly string[];
  /** What is kept. */
  readonly folder: string;
}

const tokenFileBytesMax = 4096;

type Flags = FlagValues<typeof joinFlags> & {
  readonly kubeconfig: string | undefined;
  readonly "root-dir": string;
};

/** Undefined where no cluster is to be joined. Throws UsageError naming every problem, one a line; none of them shows the token. */
export function joinConfig(flags: Flags, nodeName: string): JoinConfig | undefined {
  const { server, token, "token-file": tokenFile, "discovery-token-ca-cert-hash": pins } = flags;
  const problems: string[] = [];
  if (server === undefined) {
    for (const name of ["token", "token-file"] as const)
      if (flags[name] !== undefined) problems.push(`--${name}: needs --server`);
    if (pins.length > 0) problems.push("--discovery-token-ca-cert-hash: needs --server");
    if (problems.length > 0) throw new UsageError(problems.join("\n"));
    return undefined;
  }
  if (flags.kubeconfig !== undefined)
    problems.push("--server: has no place beside --kubeconfig, which says how to reach the cluster");
  const url = serverUrl(server);
  if (url === undefined)
    problems.push(
      `--server: ${JSON.stringify(server)} is not https://HOST:PORT, such as https://10.0.0.1:6443`,
    );
  for (const pin of pins)
    if (!isPublicKeyPin(pin))
      problems.push(
        `--discovery-token-ca-cert-hash: ${JSON.stringify(pin)} is not sha256: and 64 digits, as pintle token create shows it`,
      );
  if (token !== undefined && tokenFile !== undefined)
    problems.push("--token-file: has no place beside --token");
  const text = token ?? (tokenFile === undefined ? undefined : readToken(tokenFile, problems));
  const parsed = text === undefined ? undefined : parseBootstrapToken(text.trim());
  if (text !== undefined && parsed === undefined)
    problems.push(
      `--${token === undefined ? "token-file" : "token"}: holds no token: six and sixteen of a-z and 0-9, with a dot between`,
    );
  if (parsed !== undefined && pins.length === 0)
    problems.push(
      "--discovery-token-ca-cert-hash: needed to join: without it anybody between could pass for the cluster, and get the token",
    );
  if (problems.length > 0 || url === undefined) throw new UsageError(problems.join("\n"));
  const root = flags["root-dir"];
  const folder = join(isAbsolute(root) ? root : resolve(root), "identity");
  return { server: url, nodeName, token: parsed, pins, folder };
}

function serverUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, host, pathname, search, hash, username } = new URL(text);
  const isPlain = pathname === "/" && search === "" && hash === "" && username === "";
  return protocol === "https:" && isPlain ? `https://${host}` : undefined;
}

function readToken(path: string, problems: string[]): string | undefined {
  try {
    const text = readFileSync(path, "utf8");
    if (text.length <= tokenFileBytesMax) return text;
    problems.push(`--token-file: ${path} is larger than ${tokenFileBytesMax} bytes`);
  } catch (error) {
    problems.push(`--token-file: cannot read ${path}: ${error instanceof Error ? error.message : error}`);
  }
  return undefined;
}

/** Takes a token out of where others look: other users see a process's words, its children its environment. */
export function hideToken(
  { token }: Pick<Flags, "token">,
  process: { title: string; readonly argv: readonly string[]; readonly env: NodeJS.ProcessEnv },
): void {
  delete process.env.PINTLE_TOKEN;
  if (token === undefined || !process.argv.some((word) => word.includes(token))) return;
  process.title = process.argv.map((word) => word.replace(token, "*".repeat(token.length))).join(" ");
}
