/** What a request is about, as the kubelet has it: a verb on `nodes/SUBRESOURCE`. Any of the subresources will do. Pure. */
export interface AskedRight {
  readonly verb: string;
  readonly subresources: readonly string[];
}

const verbs: Readonly<Record<string, string>> = {
  GET: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
  // A tunnel to a pod's port, which is as much as a port that is forwarded.
  CONNECT: "create",
};

const own = [
  ["/stats", "stats"],
  ["/metrics", "metrics"],
  ["/logs", "log"],
  ["/checkpoint", "checkpoint"],
] as const;

/** These may be read by who may do everything on a node, and by who may do just this. */
const finer = [
  ["/pods", "pods"],
  ["/runningpods", "pods"],
  ["/healthz", "healthz"],
  ["/configz", "configz"],
] as const;

export function askedRight(method: string, pathname: string): AskedRight {
  const verb = verbs[method] ?? "";
  const among = (paths: readonly (readonly [string, string])[]) =>
    paths.find(([path]) => pathname === path || pathname.startsWith(`${path}/`))?.[1];
  const subresource = among(own);
  if (subresource !== undefined) return { verb, subresources: [subresource] };
  return { verb, subresources: [among(finer) ?? [], "proxy"].flat() };
}
