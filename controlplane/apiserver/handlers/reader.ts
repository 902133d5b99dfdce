/** Do people read the answer? Then its JSON is laid out for them, as Kubernetes does for those who ask with `?pretty=true` and for
 *  what browsers and command lines call themselves. Pure. */
export function isForPeople(query: URLSearchParams, userAgent: string): boolean {
  const asked = query.get("pretty") ?? "";
  if (asked !== "") return trueWords.has(asked);
  return peoplesAgents.some((start) => userAgent.startsWith(start));
}

/** What Go's strconv.ParseBool takes for true. */
const trueWords: ReadonlySet<string> = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const peoplesAgents = ["curl", "Wget", "Mozilla/5.0"];
