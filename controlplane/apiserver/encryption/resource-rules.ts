/** What may be encrypted, in Kubernetes' words. Pure. */

const notStoredApart = ["apiserveripinfo", "serviceipallocations", "servicenodeportallocations"];

export function resourceProblems(names: readonly string[], at: string): readonly string[] {
  if (names.length === 0) return [`${at}: Required value: at least one ${at} is required`];
  return [
    ...overlaps(names).map((why) => `${at}: Invalid value: ${JSON.stringify(names)}: ${why}`),
    ...names.flatMap((name, index) => {
      const why = nameProblem(name);
      return why === undefined ? [] : [`${at}[${index}]: Invalid value: ${JSON.stringify(name)}: ${why}`];
    }),
  ];
}

function groupOf(name: string): { readonly plural: string; readonly group: string } {
  const dot = name.indexOf(".");
  return dot < 0 ? { plural: name, group: "" } : { plural: name.slice(0, dot), group: name.slice(dot + 1) };
}

function overlaps(names: readonly string[]): readonly string[] {
  const unique = [...new Set(names)];
  const masked = unique.some((name) => {
    if (name === "*.*") return unique.length > 1;
    const { plural, group } = groupOf(name);
    return plural === "*" && unique.some((other) => other !== name && groupOf(other).group === group);
  });
  return [
    ...(unique.length < names.length ? ["the same resource cannot be specified multiple times"] : []),
    ...(masked
      ? [
          "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked",
        ]
      : []),
  ];
}

function nameProblem(name: string): string | undefined {
  if (/[A-Z]/.test(name)) return "resource name should not contain capital letters";
  if (name === "*")
    return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources";
  if (notStoredApart.includes(name)) return "resources which do not have REST API/s cannot be encrypted";
  const { plural, group } = groupOf(name);
  if (group === "events.k8s.io")
    return "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file";
  if (group === "extensions") return "'extensions' group has been removed and cannot be used for encryption";
  if (group === "*" && plural !== "*") return "encrypting the same resource across groups is not supported";
  return undefined;
}
