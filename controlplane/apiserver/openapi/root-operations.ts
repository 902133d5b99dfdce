import { issuerPaths } from "../discovery/issuer-documents.ts";
import { mediaTypes } from "./kind-operations.ts";
import { type Operation, operationId, tagOf, text } from "./operation.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";

/** By the path of a v3 document, what is told of there beside kinds: discovery, the version, the keys of the issuer of tokens. */
export function rootOperations(
  groups: ReadonlyMap<string, readonly string[]>,
  issues: boolean,
): ReadonlyMap<string, Operation> {
  const out = new Map<string, Operation>();
  const add = (path: string, operation: Operation) => out.set(path, operation);
  for (const [group, versions] of groups) {
    const root = group === "" ? "api" : `apis/${group}`;
    if (group === "")
      add("api", {
        ...discovery("/api/", "APIVersions"),
        id: operationId("get", "APIVersions", group),
        tag: tagOf(group),
        description: "get available API versions",
      });
    else
      add(root, {
        ...discovery(`/${root}/`, "APIGroup"),
        id: operationId("get", "APIGroup", group),
        tag: tagOf(group),
        description: "get information of a group",
      });
    for (const version of versions)
      add(`${root}/${version}`, {
        ...discovery(`/${root}/${version}/`, "APIResourceList"),
        id: operationId("get", "APIResources", group, version),
        tag: tagOf(group, version),
        description: "get available resources",
      });
  }
  add("apis", {
    ...discovery("/apis/", "APIGroupList"),
    id: "getAPIVersions",
    tag: "apis",
    description: "get available API versions",
  });
  add("version", {
    ...plain("/version/", "io.k8s.apimachinery.pkg.version.Info"),
    id: "getCodeVersion",
    tag: "version",
    description: "get the version information for this server",
    consumes: ["application/json"],
  });
  if (issues) {
    const { configuration, keys } = issuerPaths;
    add(configuration.slice(1), {
      ...plain(`${configuration}/`, text),
      id: "getServiceAccountIssuerOpenIDConfiguration",
      tag: "WellKnown",
      description: "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
    });
    add(keys.slice(1), {
      ...plain(`${keys}/`, text),
      id: "getServiceAccountIssuerOpenIDKeyset",
      tag: "openid",
      description:
        "get service account issuer OpenID JSON Web Key Set (contains public token verification keys)",
      produces: ["application/jwk-set+json"],
    });
  }
  return out;
}

type Told = Omit<Operation, "id" | "tag" | "description">;

function discovery(path: string, answered: string): Told {
  return { ...plain(path, `${meta}.${answered}`), consumes: mediaTypes, produces: mediaTypes };
}

function plain(path: string, answered: string): Told {
  return {
    path,
    method: "get",
    parameters: [],
    consumes: [],
    produces: ["application/json"],
    answers: [{ code: 200, of: answered }],
  };
}
