import { clusterIdOf, type Member, memberIdOf } from "./member.ts";

export interface InitialCluster {
  readonly clusterId: bigint;
  /** In order of their ids, the order in which they enter the log. */
  readonly members: readonly Member[];
}

/** Reads `name=url,name=url`; a name given several times has several URLs. Throws with the rule that is broken. */
export function parseInitialCluster(parts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const urls = new Map<string, string[]>();
  for (const part of parts) {
    const at = part.indexOf("=");
    if (at < 1) throw new Error(`"${part}" must look like name=http://host:port`);
    const name = part.slice(0, at);
    urls.set(name, [...(urls.get(name) ?? []), checkMemberUrl(part.slice(at + 1))]);
  }
  const all = [...urls.values()].flat();
  const twice = all.find((url, i) => all.indexOf(url) !== i);
  if (twice !== undefined) throw new Error(`"${twice}" is given twice`);
  return urls;
}

/** `unix:///run/store.sock`, or relative to the working directory `unix://store.sock`, as etcd reads it. */
export function socketUrl(text: string): { readonly socketPath: string; readonly tls: boolean } | undefined {
  const match = /^unix(s?):\/\/([^\0?#]+)$/.exec(text);
  return match === null ? undefined : { socketPath: match[2] ?? "", tls: match[1] === "s" };
}

/** Where a member can be reached; at a socket in the file system by those of its machine. */
export function checkMemberUrl(text: string): string {
  return socketUrl(text) === undefined ? checkPeerUrl(text) : text;
}

/** etcd's rule for peer and client URLs: a scheme, a host with a port, and nothing after it. */
export function checkPeerUrl(text: string): string {
  const match = /^(https?):\/\/(\[[0-9a-fA-F:.%]+\]|[^\s/:[\]]+):(\d{1,5})$/.exec(text);
  if (match === null || Number(match[3]) > 65_535)
    throw new Error(`"${text}" must look like http://host:port or https://host:port`);
  return text;
}

/** The members and the id of a cluster that starts anew; the same on all who are given the same flags. */
export function newCluster(
  urlsByName: ReadonlyMap<string, readonly string[]>,
  token: string,
): InitialCluster {
  const members = [...urlsByName].map(([name, urls]) => {
    const peerUrls = [...urls].sort();
    return { id: memberIdOf(peerUrls, token), name, peerUrls, clientUrls: [], isLearner: false };
  });
  members.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { clusterId: clusterIdOf(members.map((member) => member.id)), members };
}
