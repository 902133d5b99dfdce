import { orAbsent } from "../../client/api-error.ts";
import type { RestClient } from "../../client/rest.ts";
import type { KubeObject, Ref } from "../../client/types.ts";
import { command } from "../command.ts";
import { type DiscoveredResource, discover, resourceFor, shownName } from "./discovery.ts";
import { clusterFlags, namespaceOf } from "./flags.ts";
import { readManifests } from "./manifests.ts";

const flags = {
  ...clusterFlags,
  filename: {
    kind: "list",
    short: "f",
    value: "FILE",
    help: "file, folder or - for standard input; may be repeated",
  },
  "field-manager": { kind: "string", default: "pintle", value: "NAME", help: "in whose name fields are set" },
  "force-conflicts": { kind: "boolean", default: true, help: "take over fields that others set" },
  "dry-run": { kind: "boolean", help: "check on the server, change nothing" },
} as const;

export const applyCommand = command({
  name: "apply",
  summary: "make objects as files say, new or changed",
  usage: "-f FILE...",
  words: ["file"],
  flags,
  examples: ["pintle apply -f web.yaml", "pintle apply -f manifests/", "cat web.yaml | pintle apply -f -"],
  async run({ flags: given, words }, io) {
    const manifests = await readManifests([...(given.filename ?? []), ...words], io.stdin);
    const client = io.client(given);
    const kinds = await discover(client);
    const dryRun = given["dry-run"] ?? false;
    for (const manifest of manifests) {
      const resource = resourceFor(kinds, manifest.apiVersion, manifest.kind);
      const namespace = resource.namespaced
        ? (manifest.metadata.namespace ?? namespaceOf(given, client))
        : undefined;
      const ref = { name: manifest.metadata.name, namespace };
      const body = {
        ...manifest,
        metadata: { ...manifest.metadata, ...(namespace !== undefined && { namespace }) },
      };
      const before = await lookUp(client, resource, ref);
      const after = await client.patch<KubeObject>(resource, ref, body, {
        type: "apply",
        fieldManager: given["field-manager"],
        force: given["force-conflicts"],
        dryRun,
        fieldValidation: "Strict",
      });
      const what =
        before === undefined
          ? "created"
          : before.metadata.resourceVersion === after.metadata.resourceVersion
            ? "unchanged"
            : "configured";
      io.stdout(`${shownName(resource, ref.name)} ${what}${dryRun ? " (server dry run)" : ""}\n`);
    }
    return 0;
  },
});

function lookUp(client: RestClient, resource: DiscoveredResource, ref: Ref): Promise<KubeObject | undefined> {
  return orAbsent(client.get<KubeObject>(resource, ref));
}
