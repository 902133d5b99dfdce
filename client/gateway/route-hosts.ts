/** Hosts of listeners and routes: a name in lower case, `*.` and a name for all names that end so, "" for every host. Pure. */

/** The wider one stands for every name that the narrower one stands for. */
function covers(wide: string, narrow: string): boolean {
  if (wide === "" || wide === narrow) return true;
  return wide.startsWith("*.") && narrow.endsWith(wide.slice(1)) && narrow !== wide.slice(1);
}

/** The host that two have in common; undefined: none. */
export function commonHost(a: string, b: string): string | undefined {
  const [one, other] = [a.toLowerCase(), b.toLowerCase()];
  if (covers(one, other)) return other;
  return covers(other, one) ? one : undefined;
}

/** For which hosts a listener takes a route's requests. */
export function commonHosts(listener: string, route: readonly string[] | undefined): readonly string[] {
  const wanted = route === undefined || route.length === 0 ? [""] : route;
  return [...new Set(wanted.flatMap((host) => commonHost(listener, host) ?? []))];
}

/** All texts by which hosts are known that stand for this one, the narrowest first. */
export function hostsFor(host: string): readonly string[] {
  const found = [host];
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1))
    if (dot > 0 && dot < host.length - 1) found.push(`*${host.slice(dot)}`);
  return [...found, ""];
}
