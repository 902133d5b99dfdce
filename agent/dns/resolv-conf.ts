/** A resolv.conf(5), read as the kubelet reads one. Pure. */
export interface ResolvConf {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export const emptyResolvConf: ResolvConf = { servers: [], searches: [], options: [] };

/** Name servers add up, of the search lines the last holds, and so does the last of an option's values. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let searches: readonly string[] = [];
  const options = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === "nameserver" && words[0] !== undefined) servers.push(words[0]);
    // With and without the last dot it is the same domain; the root alone searches nothing.
    if (keyword === "search")
      searches = words.filter((word) => word !== ".").map((word) => word.replace(/\.$/, ""));
    if (keyword === "options") for (const word of words) options.set(word.split(":")[0] ?? "", word);
  }
  return { servers, searches, options: [...options.values()] };
}
