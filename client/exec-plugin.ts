import { execFile } from "node:child_process";
import { UsageError } from "../base/os/flags.ts";
import type { RestConfig } from "./kubeconfig.ts";
import { isMapping } from "./mapping.ts";

/** A program that a kubeconfig names to say who asks (`users[].user.exec`). */
export interface ExecPlugin {
  /** `client.authentication.k8s.io/v1` or `…/v1beta1`. */
  readonly apiVersion: string;
  /** An absolute path, or a name that is looked up in $PATH. */
  readonly command: string;
  readonly args: readonly string[];
  /** Beside this process' environment. */
  readonly env: Readonly<Record<string, string>>;
  /** For people, where the command is missing. */
  readonly installHint: string;
  /** The command is told which cluster it is for. */
  readonly provideClusterInfo: boolean;
}

/** What such a program answered. */
export interface ExecCredential {
  readonly token?: string;
  readonly certificatePem?: string;
  readonly privateKeyPem?: string;
  /** On the wall clock; undefined: until the server refuses it. */
  readonly expiresMs?: number;
}

/** The program failed, or its answer is none. */
export class CredentialError extends Error {
  override readonly name = "CredentialError";
}

export const execPluginLimits = { runMs: 60_000, outputBytesMost: 1 << 20 } as const;

const served = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

/** The entry of a kubeconfig, checked. `pathOf` resolves a relative path of the file's. Throws UsageError naming what is not
 *  served. */
export function readExecPlugin(value: unknown, file: string, pathOf: (path: string) => string): ExecPlugin {
  const refuse = (what: string): never => {
    throw new UsageError(`kubeconfig: ${file}: exec: ${what}`);
  };
  const entry = isMapping(value) ? value : refuse("no mapping");
  const { apiVersion, command, args, env, installHint, provideClusterInfo, interactiveMode } = entry;
  if (typeof apiVersion !== "string" || !served.includes(apiVersion))
    return refuse(`apiVersion ${JSON.stringify(apiVersion)} is not supported (${served.join(", ")})`);
  if (typeof command !== "string" || command === "") return refuse("no command");
  if (interactiveMode === "Always") refuse(`interactiveMode "Always" is not supported: nobody is asked`);
  const words = args ?? [];
  if (!Array.isArray(words) || !words.every((word): word is string => typeof word === "string"))
    return refuse("args is no list of texts");
  const rows: unknown[] = Array.isArray(env)
    ? env
    : env === undefined || env === null
      ? []
      : refuse("env is no list");
  const pairs = rows.map((row): [string, string] => {
    const { name, value: text } = isMapping(row) ? row : {};
    return typeof name === "string" && typeof text === "string"
      ? [name, text]
      : refuse("env: a name and a value each");
  });
  return {
    apiVersion,
    command: command.includes("/") ? pathOf(command) : command,
    args: words,
    env: Object.fromEntries(pairs),
    installHint: typeof installHint === "string" ? installHint : "",
    provideClusterInfo: provideClusterInfo === true,
  };
}

/** Runs the program and reads its answer. Rejects with CredentialError. */
export async function runExecPlugin(plugin: ExecPlugin, config: RestConfig): Promise<ExecCredential> {
  const { apiVersion, command, args, env } = plugin;
  const spec = { interactive: false, ...(plugin.provideClusterInfo && { cluster: clusterInfo(config) }) };
  const info = JSON.stringify({ apiVersion, kind: "ExecCredential", spec });
  const text = await new Promise<string>((resolve, reject) => {
    const options = {
      env: { ...process.env, ...env, KUBERNETES_EXEC_INFO: info },
      timeout: execPluginLimits.runMs,
      maxBuffer: execPluginLimits.outputBytesMost,
      windowsHide: true,
    };
    const child = execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const hint =
        "code" in error && error.code === "ENOENT" && plugin.installHint ? `\n${plugin.installHint}` : "";
      const said = stderr.trim().slice(0, 2_000);
      reject(new CredentialError(`${command}: ${said || error.message}${hint}`, { cause: error }));
    });
    child.stdin?.end();
  });
  return readCredential(text, plugin);
}

function readCredential(text: string, { command, apiVersion }: ExecPlugin): ExecCredential {
  const refuse = (what: string): never => {
    throw new CredentialError(`${command}: ${what}`);
  };
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    refuse("its answer is no JSON");
  }
  if (!isMapping(answer) || answer.kind !== "ExecCredential" || answer.apiVersion !== apiVersion)
    return refuse(`its answer is no ExecCredential of ${apiVersion}`);
  const status = isMapping(answer.status) ? answer.status : refuse("its answer has no status");
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = status;
  const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
  if (isText(clientCertificateData) !== isText(clientKeyData))
    refuse("a certificate and its key come together");
  if (!isText(token) && !isText(clientCertificateData))
    refuse("its answer has neither token nor certificate");
  if (isText(token) && !/^[\x21-\x7e]+$/.test(token))
    refuse("its token has characters that no header may have");
  const expiresMs = isText(expirationTimestamp) ? Date.parse(expirationTimestamp) : undefined;
  if (Number.isNaN(expiresMs))
    refuse(`expirationTimestamp ${JSON.stringify(expirationTimestamp)} is no time`);
  return {
    ...(isText(token) && { token }),
    ...(isText(clientCertificateData) &&
      isText(clientKeyData) && {
        certificatePem: clientCertificateData,
        privateKeyPem: clientKeyData,
      }),
    ...(expiresMs !== undefined && { expiresMs }),
  };
}

function clusterInfo({ servers, caPem, serverName, insecureSkipVerify }: RestConfig): object {
  return {
    server: servers[0],
    ...(serverName !== undefined && { "tls-server-name": serverName }),
    ...(insecureSkipVerify && { "insecure-skip-tls-verify": true }),
    ...(caPem !== undefined && { "certificate-authority-data": Buffer.from(caPem).toString("base64") }),
  };
}
