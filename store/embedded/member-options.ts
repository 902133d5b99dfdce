import {
  abortSignal,
  filledText,
  type OptionKind,
  type OptionKinds,
  oneOf,
  optionProblems,
  positiveNumber,
  shown,
  wholeNumber,
} from "../../base/options.ts";
import { parseFlags, UsageError } from "../../base/os/flags.ts";
import { ownField } from "../../base/own-field.ts";
import { addresses, listed } from "../client/keyspace/open-kinds.ts";
import { type StoreConfig, storeConfig, storeFlags } from "../flags.ts";
import { foreignWarnings } from "../foreign-flags.ts";
import { ignoredTlsFlags } from "../tls-flags.ts";

/** This store as one member of a cluster. */
export interface MemberOptions {
  /** Its own name among `peers`. */
  readonly name: string;
  /** Every member's address for the others, by name, this one included: `{ a: "http://10.0.0.1:2380", b: … }`. All members of
   *  a new cluster are given the same. */
  readonly peers: Readonly<Record<string, string | readonly string[]>>;
  /** Where this member listens for the others; by default at its own address in `peers`. */
  readonly listenPeers?: string | readonly string[] | undefined;
  /** `existing`: it was added to a running cluster (`etcdctl member add`) and joins it. By default `new`. */
  readonly state?: "new" | "existing" | undefined;
  /** Tells clusters apart that begin with the same addresses. By default `etcd-cluster`. */
  readonly token?: string | undefined;
}

/** How much of the past is kept, 10 ms or one revision at least: reads at older revisions, and watches from them, fail with code
 *  `COMPACTED`. */
export type History = "all" | { readonly ms: number } | { readonly revisions: number };

/** What of a store's options says which member runs. */
export interface MemberSettings {
  /** Where the data is kept. Absent: in memory, and gone with the process. A folder has one store at a time. */
  readonly folder?: string | undefined;
  /** As one of a cluster; needs a folder, since a member that forgets whom it voted for may lose what others were promised. */
  readonly member?: MemberOptions | undefined;
  /** Where it listens for etcd's clients (`http://127.0.0.1:2379`; port 0: a free one). Absent: nowhere, no socket is opened. */
  readonly listen?: string | readonly string[] | undefined;
  /** By default an hour: `{ ms: 3_600_000 }`. In a cluster, give all members the same. */
  readonly history?: History | undefined;
  /** Bytes of data beyond which writes fail with code `NO_SPACE`; 0: no bound. By default 2 GiB. */
  readonly quotaBytes?: number | undefined;
  /** The largest request taken, in bytes, 1024 at least. By default 1.5 MiB, as in etcd. */
  readonly requestBytesMax?: number | undefined;
  /** Between two heartbeats of a leader. By default 100. */
  readonly heartbeatMs?: number | undefined;
  /** Without a leader before an election; leases live at least 1.5 times as long. By default 1000. */
  readonly electionMs?: number | undefined;
  /** Any other flag of `pintle store` by its name: `{ "peer-trusted-ca-file": "ca.pem" }`. Those above have options. */
  readonly flags?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** The flags that an option sets. */
const taken: Readonly<Record<string, string>> = {
  "data-dir": "folder",
  name: "member.name",
  "initial-cluster": "member.peers",
  "listen-peer-urls": "member.listenPeers",
  "initial-cluster-state": "member.state",
  "initial-cluster-token": "member.token",
  "listen-client-urls": "listen",
  "auto-compaction-mode": "history",
  "auto-compaction-retention": "history",
  "quota-backend-bytes": "quotaBytes",
  "max-request-bytes": "requestBytesMax",
  "heartbeat-interval": "heartbeatMs",
  "election-timeout": "electionMs",
};
/** Members are listed as `name=address,name=address`. */
const memberName: OptionKind = {
  fits: (value) => typeof value === "string" && /^[^,=]+$/.test(value),
  must: "a name without , and =",
};
const anObject: OptionKind = {
  fits: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  must: "an object",
};
/** A member asks its cluster for what it needs by requests, too. */
const requestBytesLeast = 1024;
export const settingKinds: OptionKinds = {
  folder: {
    fits: (value) => filledText.fits(value) && !`${value}`.includes("\0"),
    must: "the path of a folder",
  },
  member: anObject,
  listen: addresses,
  history: {
    fits: (value) => value === "all" || anObject.fits(value),
    must: '"all", { ms } or { revisions }',
  },
  quotaBytes: wholeNumber(0),
  requestBytesMax: wholeNumber(requestBytesLeast),
  heartbeatMs: wholeNumber(1),
  electionMs: wholeNumber(1),
  flags: anObject,
  timeoutMs: positiveNumber,
  signal: abortSignal,
};
const memberKinds: OptionKinds = {
  name: memberName,
  peers: anObject,
  listenPeers: addresses,
  state: oneOf("new", "existing"),
  token: filledText,
};
const historyKinds: OptionKinds = { ms: wholeNumber(10), revisions: wholeNumber(1) };
/** Of what stands in files. */
const ofFiles = ["wal-dir", "force-new-cluster", "config-file", "discovery-srv", "discovery-token"];
const hourMs = 3_600_000;
/** Where a member that is alone says that it would be found. Nobody looks there. */
const nowhere = "http://localhost:2380";

/** The configuration of the member that the options describe. Throws UsageError, one line for each thing that is wrong. */
export function memberConfig(
  options: MemberSettings & {
    readonly timeoutMs?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): StoreConfig {
  const problems = settingProblems(options);
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  const { folder, member, flags = {} } = options;
  const listen = listed(options.listen);
  const args = {
    // In memory nothing is put there.
    "data-dir": folder ?? "memory",
    ...clusterArgs(member),
    "listen-client-urls": listen.join(","),
    ...historyArgs(options.history ?? { ms: hourMs }),
    ...(options.quotaBytes !== undefined && { "quota-backend-bytes": options.quotaBytes || -1 }),
    ...(options.requestBytesMax !== undefined && { "max-request-bytes": options.requestBytesMax }),
    ...(options.heartbeatMs !== undefined && { "heartbeat-interval": options.heartbeatMs }),
    ...(options.electionMs !== undefined && { "election-timeout": options.electionMs }),
    ...flags,
  };
  try {
    return configOf(args);
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(inOptions(error.message)) : error;
  }
}

function configOf(args: Readonly<Record<string, string | number | boolean>>): StoreConfig {
  const parsed = parseFlags(
    storeFlags,
    Object.entries(args).map(([name, value]) => `--${name}=${value}`),
  );
  const idle = [...foreignWarnings(parsed.flags, parsed.given), ...ignoredTlsFlags(parsed.flags)];
  if (idle.length > 0)
    throw new UsageError(idle.map(({ flag, why }) => `flags: ${flag} has no effect here: ${why}`).join("\n"));
  return storeConfig(parsed.flags);
}

function clusterArgs(member: MemberOptions | undefined): Readonly<Record<string, string>> {
  if (member === undefined) return { "listen-peer-urls": "", "initial-advertise-peer-urls": nowhere };
  const own = listed(ownField(member.peers, member.name));
  return {
    name: member.name,
    "initial-cluster": Object.entries(member.peers)
      .flatMap(([name, urls]) => listed(urls).map((url) => `${name}=${url}`))
      .join(","),
    "initial-advertise-peer-urls": own.join(","),
    "listen-peer-urls": (member.listenPeers === undefined ? own : listed(member.listenPeers)).join(","),
    // Whoever opens it wants it to serve, and may end the waiting.
    "wait-cluster-ready-timeout": "8760h",
    ...(member.state !== undefined && { "initial-cluster-state": member.state }),
    ...(member.token !== undefined && { "initial-cluster-token": member.token }),
  };
}

function historyArgs(history: History): Readonly<Record<string, string>> {
  if (history === "all") return {};
  if ("revisions" in history)
    return { "auto-compaction-mode": "revision", "auto-compaction-retention": `${history.revisions}` };
  return { "auto-compaction-mode": "periodic", "auto-compaction-retention": `${history.ms}ms` };
}

/** A message of the command's in the words of the options. */
export function inOptions(message: string): string {
  return message.replace(/--([a-z-]+)/g, (flag: string, name: string) => ownField(taken, name) ?? flag);
}

function settingProblems(settings: MemberSettings): readonly string[] {
  const problems = [...optionProblems(settings, settingKinds)];
  const { folder, member, listen, history, flags } = settings;
  if (problems.length > 0) return problems; // what follows looks into them
  for (const url of listed(listen))
    if (!/^(https?|unixs?):\/\//.test(url))
      problems.push(`listen: ${shown(url)} must look like http://host:port or https://host:port`);
  if (folder === undefined && member !== undefined)
    problems.push("member: needs a folder; a member in memory would forget whom it has voted for");
  if (member !== undefined) problems.push(...memberProblems(member));
  if (typeof history === "object") problems.push(...historyProblems(history));
  for (const [name, value] of Object.entries(flags ?? {})) {
    const option = Object.hasOwn(taken, name) ? taken[name] : undefined;
    if (option !== undefined) problems.push(`flags: say --${name} by the option ${option}`);
    else if (ofFiles.includes(name) && (folder === undefined || name === "config-file"))
      problems.push(`flags: --${name} has no meaning here`);
    else if (!/^[a-z]/.test(name)) problems.push(`flags: there is no flag ${shown(name)}`);
    else if (!["string", "number", "boolean"].includes(typeof value))
      problems.push(`flags: ${name}: ${shown(value)} must be a text, a number, true or false`);
  }
  return problems;
}

function memberProblems(member: MemberOptions): readonly string[] {
  const problems = [...optionProblems(member, memberKinds, "member")];
  for (const name of ["name", "peers"] as const)
    if (member[name] === undefined) problems.push(`member.${name}: is needed`);
  if (problems.length > 0) return problems;
  for (const [name, urls] of Object.entries(member.peers)) {
    if (!memberName.fits(name)) problems.push(`member.peers: ${shown(name)} must be ${memberName.must}`);
    if (!addresses.fits(urls))
      problems.push(`member.peers: ${name}: ${shown(urls)} must be ${addresses.must}`);
  }
  if (problems.length === 0 && listed(ownField(member.peers, member.name)).length === 0)
    problems.push(`member.peers: does not list this member, ${JSON.stringify(member.name)}`);
  return problems;
}

function historyProblems(history: object): readonly string[] {
  const problems = optionProblems(history, historyKinds, "history");
  if (problems.length > 0 || Object.values(history).filter((value) => value !== undefined).length === 1)
    return problems;
  return ['history: must be "all", or say either ms or revisions'];
}
