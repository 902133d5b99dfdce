import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { UsageError } from "../base/os/flags.ts";
import { type ExecPlugin, readExecPlugin } from "./exec-plugin.ts";
import type { ActingAs } from "./identity-headers.ts";
import { isMapping } from "./mapping.ts";

/** How to reach the API servers and who we are. PEM texts. */
export interface RestConfig {
  /** Base URLs, best first; at least one. All serve the same cluster. */
  readonly servers: readonly string[];
  readonly caPem?: string;
  readonly certificatePem?: string;
  readonly privateKeyPem?: string;
  readonly token?: string;
  /** Where the token is read again, since it is written anew from time to time. */
  readonly tokenFile?: string;
  /** A program that says who asks; what it says counts beside the rest. */
  readonly exec?: ExecPlugin;
  /** Requests are made as this user, if the one above may impersonate it. */
  readonly actingAs?: ActingAs;
  /** Checked in the server's certificate instead of the URL's host. */
  readonly serverName?: string;
  readonly insecureSkipVerify?: boolean;
  /** The context's namespace; `default` where none is given. */
  readonly namespace: string;
}

export interface KubeconfigSources {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly readFile?: (path: string) => string;
  /** A context other than the current one. */
  readonly context?: string | undefined;
}

/** Reads a kubeconfig: the given file, else the files of $KUBECONFIG (first definition of a name wins), else
 *  ~/.kube/config. Beside `server` a cluster may list `servers`, all of the same cluster (Pintle's extension).
 *  Throws UsageError saying what is wrong with which file. */
export function loadKubeconfig(path?: string, sources: KubeconfigSources = {}): RestConfig {
  const { documents, read } = readFiles(path, sources);
  const files = documents.map(({ file }) => file);
  const contextName = sources.context ?? currentOf(documents);
  if (!contextName) throw new UsageError(`kubeconfig: ${files.join(", ")} names no current-context`);
  const find = (list: string, name: string): Entry => {
    for (const { file, document } of documents) {
      for (const entry of mappings(document[list])) {
        if (text(entry.name) === name) return { file, value: mapping(entry[list.slice(0, -1)]) };
      }
    }
    throw new UsageError(`kubeconfig: ${files.join(", ")}: no entry "${name}" in ${list}`);
  };
  const entry = find("contexts", contextName);
  checkTypes(entry, contextTexts);
  const context = entry.value;
  const cluster = find("clusters", text(context.cluster) ?? "");
  const userName = text(context.user);
  const user = userName ? find("users", userName) : { file: cluster.file, value: {} };
  return restConfig({ cluster, user, namespace: text(context.namespace) || "default" }, read);
}

/** The names of the contexts that there are, in their order. Throws UsageError as above. */
export function contextNames(path?: string, sources: KubeconfigSources = {}): readonly string[] {
  const { documents } = readFiles(path, sources);
  const named = documents.flatMap(({ document }) =>
    mappings(document.contexts).map(({ name }) => text(name)),
  );
  return [...new Set(named.filter((name) => name !== undefined))];
}

/** The context that counts where none is named. Throws UsageError as above. */
export const currentContext = (path?: string, sources: KubeconfigSources = {}): string | undefined =>
  currentOf(readFiles(path, sources).documents);

const currentOf = (documents: readonly KubeconfigDocument[]): string | undefined =>
  documents.map(({ document }) => text(document["current-context"])).find((name) => name);

const howNamed = '$KUBECONFIG or a flag names it: "pintle up" writes ~/.pintle/kubeconfig';

interface KubeconfigDocument {
  readonly file: string;
  readonly document: Readonly<Record<string, unknown>>;
}

function readFiles(path: string | undefined, sources: KubeconfigSources) {
  const env = sources.env ?? process.env;
  const named = path ?? env.KUBECONFIG;
  const files =
    path !== undefined
      ? [path]
      : named
        ? named.split(":").filter((file) => file !== "")
        : [join(homedir(), ".kube", "config")];
  const readFile = sources.readFile ?? ((file: string) => readFileSync(file, "utf8"));
  const read = (file: string): string => {
    try {
      return readFile(file);
    } catch (error) {
      const why = error instanceof Error ? error.message : error;
      const next = files.includes(file) ? `; ${howNamed}` : "";
      throw new UsageError(`kubeconfig: cannot read ${file}: ${why}${next}`);
    }
  };
  const there = files.length > 1 ? files.filter((file) => isThere(file, readFile)) : files;
  if (there.length === 0) throw new UsageError(`kubeconfig: none of ${files.join(", ")} is there`);
  const documents: readonly KubeconfigDocument[] = there.map((file) => ({
    file,
    document: parseDocument(file, read(file)),
  }));
  return { documents, read };
}

/** Of several files those that are missing are passed over, as by kubectl. */
function isThere(file: string, readFile: (file: string) => string): boolean {
  try {
    readFile(file);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ENOENT");
  }
}

interface Entry {
  readonly file: string;
  readonly value: Readonly<Record<string, unknown>>;
}

function restConfig(
  parts: { readonly cluster: Entry; readonly user: Entry; readonly namespace: string },
  read: (file: string) => string,
): RestConfig {
  const { cluster, user, namespace } = parts;
  checkTypes(cluster, clusterTexts, ["insecure-skip-tls-verify"]);
  checkTypes(user, userTexts);
  const servers = [text(cluster.value.server), ...texts(cluster.value.servers)].filter(
    (url) => url !== undefined,
  );
  if (servers.length === 0) throw new UsageError(`kubeconfig: ${cluster.file}: the cluster has no server`);
  for (const url of servers)
    if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url))
      throw new UsageError(`kubeconfig: ${cluster.file}: "${url}" is not an http(s) URL`);
  const pem = (entry: Entry, name: string): string | undefined => {
    const inline = text(entry.value[`${name}-data`]);
    if (inline && !base64Form.test(inline))
      throw new UsageError(`kubeconfig: ${entry.file}: "${name}-data" is no base64`);
    if (inline) return Buffer.from(inline, "base64").toString("utf8");
    const file = text(entry.value[name]);
    return file ? read(resolve(dirname(entry.file), file)) : undefined;
  };
  refuseUnserved(cluster, clusterFieldsUnserved);
  refuseUnserved(user, userFieldsUnserved);
  const pathIn = (entry: Entry, path: string) => resolve(dirname(entry.file), path);
  const tokenFile = text(user.value.tokenFile) || undefined;
  const exec = user.value.exec ?? undefined;
  const caPem = pem(cluster, "certificate-authority");
  if (caPem !== undefined && cluster.value["insecure-skip-tls-verify"] === true)
    throw new UsageError(
      `kubeconfig: ${cluster.file}: "certificate-authority" and "insecure-skip-tls-verify" exclude each other`,
    );
  const certificatePem = pem(user, "client-certificate");
  const privateKeyPem = pem(user, "client-key");
  if ((certificatePem === undefined) !== (privateKeyPem === undefined))
    throw new UsageError(`kubeconfig: ${user.file}: "client-certificate" and "client-key" need each other`);
  return withoutUndefined({
    servers: [...new Set(servers.map((url) => url.replace(/\/+$/, "")))],
    caPem,
    certificatePem,
    privateKeyPem,
    token: tokenFile ? read(pathIn(user, tokenFile)).trim() : text(user.value.token),
    tokenFile: tokenFile && pathIn(user, tokenFile),
    exec: exec && readExecPlugin(exec, user.file, (path) => pathIn(user, path)),
    actingAs: actingAs(user),
    serverName: text(cluster.value["tls-server-name"]),
    insecureSkipVerify: cluster.value["insecure-skip-tls-verify"] === true ? true : undefined,
    namespace,
  });
}

const contextTexts = ["cluster", "user", "namespace"];
const clusterTexts = ["server", "certificate-authority", "certificate-authority-data", "tls-server-name"];
const userTexts = [
  ...["client-certificate", "client-certificate-data", "client-key", "client-key-data"],
  ...["token", "tokenFile", "as", "as-uid"],
];
const base64Form = /^[A-Za-z0-9+/\s]*=*\s*$/;

/** YAML reads `token: 12345` as a number: passed over, it would make a stranger of whoever asks. */
function checkTypes(
  { file, value }: Entry,
  texts: readonly string[],
  switches: readonly string[] = [],
): void {
  const isA = (type: string) => (name: string) =>
    (value[name] ?? undefined) === undefined || typeof value[name] === type;
  const number = texts.find((name) => !isA("string")(name));
  if (number !== undefined)
    throw new UsageError(`kubeconfig: ${file}: "${number}" must be a text: put it in quotes`);
  const other = switches.find((name) => !isA("boolean")(name));
  if (other !== undefined) throw new UsageError(`kubeconfig: ${file}: "${other}" must be true or false`);
}

/** Ways to say who asks, and where, that this client does not have. */
const userFieldsUnserved = ["username", "password", "auth-provider"];
const clusterFieldsUnserved = ["proxy-url"];

function refuseUnserved({ file, value }: Entry, unserved: readonly string[]): void {
  const found = unserved.find((name) => value[name] !== undefined && value[name] !== "");
  if (found !== undefined) throw new UsageError(`kubeconfig: ${file}: "${found}" is not supported`);
}

function actingAs({ file, value }: Entry): ActingAs | undefined {
  const user = text(value.as);
  const uid = text(value["as-uid"]);
  const groups = texts(value["as-groups"]);
  const extra = Object.entries(mapping(value["as-user-extra"])).map(([key, values]) => [key, texts(values)]);
  if (user) return { user, ...(uid !== undefined && { uid }), groups, extra: Object.fromEntries(extra) };
  if (uid || groups.length > 0 || extra.length > 0)
    throw new UsageError(`kubeconfig: ${file}: "as-uid", "as-groups" and "as-user-extra" need "as"`);
  return undefined;
}

/** The text of a kubeconfig that `loadKubeconfig` and kubectl read; certificates inline. */
export function kubeconfigText(
  config: RestConfig,
  names: { readonly cluster?: string; readonly user?: string; readonly context?: string } = {},
): string {
  const { cluster = "pintle", user = "admin", context = cluster } = names;
  const base64 = (pem: string | undefined) =>
    pem === undefined ? undefined : Buffer.from(pem).toString("base64");
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: cluster,
        cluster: withoutUndefined({
          server: config.servers[0],
          servers: config.servers.length > 1 ? [...config.servers] : undefined,
          "certificate-authority-data": base64(config.caPem),
          "tls-server-name": config.serverName,
          "insecure-skip-tls-verify": config.insecureSkipVerify,
        }),
      },
    ],
    users: [
      {
        name: user,
        user: withoutUndefined({
          "client-certificate-data": base64(config.certificatePem),
          "client-key-data": base64(config.privateKeyPem),
          token: config.tokenFile === undefined ? config.token : undefined,
          tokenFile: config.tokenFile,
          exec: config.exec && execEntry(config.exec),
          as: config.actingAs?.user,
          "as-uid": config.actingAs?.uid,
          "as-groups": config.actingAs?.groups,
          "as-user-extra": config.actingAs?.extra,
        }),
      },
    ],
    contexts: [{ name: context, context: { cluster, user, namespace: config.namespace } }],
    "current-context": context,
  });
}

function execEntry({ env, ...plugin }: ExecPlugin): object {
  const rows = Object.entries(env).map(([name, value]) => ({ name, value }));
  return { ...plugin, env: rows, interactiveMode: "Never" };
}

function parseDocument(file: string, content: string): Readonly<Record<string, unknown>> {
  let document: unknown;
  try {
    document = parse(content);
  } catch (error) {
    throw new UsageError(
      `kubeconfig: ${file} is not YAML: ${error instanceof Error ? error.message : error}`,
    );
  }
  if (!isMapping(document)) throw new UsageError(`kubeconfig: ${file} holds no mapping`);
  return document;
}

const mapping = (value: unknown): Record<string, unknown> => (isMapping(value) ? value : {});
const mappings = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isMapping) : [];
const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];

type Defined<T> = { [N in keyof T as undefined extends T[N] ? never : N]: T[N] } & {
  [N in keyof T as undefined extends T[N] ? N : never]?: Exclude<T[N], undefined>;
};
function withoutUndefined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
