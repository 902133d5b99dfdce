import type { SchemaDocs } from "../schema/load.ts";
import type { Parameter } from "./operation.ts";

/** The query parameters that go with an action, their texts taken from what the schema's documentation tells of requests. */
export class Parameters {
  readonly #docs: SchemaDocs;

  constructor(docs: SchemaDocs) {
    this.#docs = docs;
  }

  get pretty(): Parameter {
    return this.#query("list", "pretty");
  }
  get namespace(): Parameter {
    return pathParameter("namespace", this.#text("PodLogOptions", "namespace"));
  }
  get write(): readonly Parameter[] {
    return writeNames.map((name) => this.#query("post", name));
  }
  get patch(): readonly Parameter[] {
    return [...writeNames, "force"].map((name) => this.#query("patch", name));
  }
  get delete(): readonly Parameter[] {
    return deleteNames.map((name) => this.#query("delete", name));
  }
  get list(): readonly Parameter[] {
    return listNames.map((name) => this.#query("list", name));
  }
  get resourceVersion(): Parameter {
    return this.#query("list", "resourceVersion");
  }

  /** Those of a kind of options (`PodLogOptions`). */
  options(kind: string): readonly Parameter[] {
    return (optionNames[kind] ?? []).map((name) => this.#query(kind, name));
  }

  #query(source: string, name: string): Parameter {
    return { name, in: "query", type: types[name] ?? "string", description: this.#text(source, name) };
  }

  #text(source: string, name: string): string {
    const text = this.#docs[`?${source}`]?.[name];
    if (text === undefined) throw new RangeError(`nothing is told of the parameter ${name} of ${source}`);
    return text;
  }
}

export function pathParameter(name: string, description: string): Parameter {
  return { name, in: "path", type: "string", description };
}

const writeNames = ["dryRun", "fieldManager", "fieldValidation"];
const deleteNames = [
  "dryRun",
  "gracePeriodSeconds",
  "ignoreStoreReadErrorWithClusterBreakingPotential",
  "orphanDependents",
  "propagationPolicy",
];
const listNames = [
  "allowWatchBookmarks",
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersion",
  "resourceVersionMatch",
  "sendInitialEvents",
  "shardSelector",
  "timeoutSeconds",
  "watch",
];
const streamNames = ["container", "stderr", "stdin", "stdout", "tty"];
const optionNames: Readonly<Record<string, readonly string[]>> = {
  PodLogOptions: [
    "container",
    "follow",
    "insecureSkipTLSVerifyBackend",
    "limitBytes",
    "previous",
    "sinceSeconds",
    "stream",
    "tailLines",
    "timestamps",
  ],
  PodExecOptions: ["command", ...streamNames],
  PodAttachOptions: streamNames,
  PodPortForwardOptions: ["ports"],
  PodProxyOptions: ["path"],
  ServiceProxyOptions: ["path"],
  NodeProxyOptions: ["path"],
};

const types: Readonly<Record<string, Parameter["type"]>> = {
  allowWatchBookmarks: "boolean",
  follow: "boolean",
  force: "boolean",
  gracePeriodSeconds: "integer",
  ignoreStoreReadErrorWithClusterBreakingPotential: "boolean",
  insecureSkipTLSVerifyBackend: "boolean",
  limit: "integer",
  limitBytes: "integer",
  orphanDependents: "boolean",
  ports: "integer",
  previous: "boolean",
  sendInitialEvents: "boolean",
  sinceSeconds: "integer",
  stderr: "boolean",
  stdin: "boolean",
  stdout: "boolean",
  tailLines: "integer",
  timeoutSeconds: "integer",
  timestamps: "boolean",
  tty: "boolean",
  watch: "boolean",
};
