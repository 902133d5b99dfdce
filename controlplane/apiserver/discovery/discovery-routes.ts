import { createHash } from "node:crypto";
import type { Elsewhere } from "../aggregation/elsewhere.ts";
import { methodNotAllowed, pathNotFound, resourceNotFound } from "../api-error.ts";
import { mediaTypes, negotiate, type Offered, routedTypes } from "../handlers/negotiate.ts";
import { bodyBytes } from "../handlers/respond.ts";
import { jsonText } from "../json.ts";
import type { Kinds } from "../registry/kind-table.ts";
import { aggregatedType, groupDiscoveryList, wantsAggregated } from "./aggregated-discovery.ts";
import { discoveryMessage } from "./discovery-messages.ts";
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from "./legacy-discovery.ts";
import type { PlainAnswer, PlainAsked } from "./plain-routes.ts";

export interface DiscoveryDeps {
  readonly kinds: Kinds;
  /** Groups that other servers serve. */
  readonly elsewhere: Elsewhere;
  /** host:port that clients outside can use. */
  readonly address: string;
}

/** /api, /apis and what is below them, down to the resources of a version. Fails with 404, 405 and 406. */
export function discoveryRoute(
  [root, first, second, ...more]: readonly [root: "api" | "apis", ...rest: string[]],
  asked: PlainAsked,
  deps: DiscoveryDeps,
): PlainAnswer {
  const { kinds, elsewhere, address } = deps;
  const groups = () => elsewhere.groups(kinds.groups());
  // The lists of groups answer any method, as in Kubernetes; what go-restful routes is only read.
  const mustRead = () => {
    if (asked.method !== "GET") throw methodNotAllowed();
  };
  if (first === undefined) {
    if (root === "api") mustRead();
    const format = wantsAggregated(asked.accept);
    if (format !== undefined) return aggregated(root, { ...asked, format }, deps);
    return root === "api"
      ? document(apiVersions(address), asked, routed)
      : document(apiGroupList(groups()), asked, unrouted);
  }
  const isGroup = root === "apis" && second === undefined;
  const body = isGroup
    ? apiGroup(groups(), first)
    : root === "apis"
      ? more.length === 0 && second !== undefined && resourceList(deps, first, second)
      : second === undefined && apiResourceList(kinds, "", first);
  if (!body) {
    const isOwn = kinds.served.some((one) => one.group === (root === "api" ? "" : first) && !one.schema);
    throw isOwn ? resourceNotFound() : pathNotFound();
  }
  if (!isGroup) mustRead();
  return document(body, asked, isGroup ? unrouted : routed);
}

function resourceList({ kinds, elsewhere }: DiscoveryDeps, group: string, version: string) {
  return apiResourceList(kinds, group, version) ?? elsewhere.ruledList(group, version);
}

/** Under the name of its content: whoever has that already gets no body. */
function aggregated(
  root: "api" | "apis",
  { format, known, forPeople }: PlainAsked & { readonly format: keyof typeof mediaTypes },
  { kinds, elsewhere }: DiscoveryDeps,
): PlainAnswer {
  const body = groupDiscoveryList(kinds, elsewhere, { core: root === "api" });
  const hash = createHash("sha512").update(jsonText(body)).digest("hex").toUpperCase();
  const etag = `"${hash}"`;
  const headers = { "Cache-Control": "public", Vary: "Accept", ETag: etag };
  if (known === etag) return { code: 304, contentType: "", body: "", headers };
  const bytes =
    format === "protobuf" ? discoveryMessage(body) : bodyBytes(body, { format, isPretty: forPeople });
  return { code: 200, contentType: aggregatedType(format), body: bytes, headers };
}

/** What discovery tells is no object and has no reduced form: fails with 406 for whoever takes only one. */
const unrouted: Offered = { tables: false, metadata: false, protobuf: true };
const routed: Offered = { ...unrouted, routed: routedTypes(false) };

function document(body: unknown, { accept, forPeople }: PlainAsked, offered: Offered): PlainAnswer {
  const output = negotiate(accept, { ...offered, forPeople });
  return { code: 200, contentType: mediaTypes[output.format], body: bodyBytes(body, output) };
}
