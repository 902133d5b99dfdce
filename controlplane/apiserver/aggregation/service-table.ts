import type { APIService } from "../../../client/types.ts";
import type { JsonObject } from "../json.ts";
import type { SwaggerPart } from "../openapi/merge-swagger.ts";
import { availabilityOf } from "./conditions.ts";
import { defaultPriority, type Priority } from "./priorities.ts";

/** A group and version that another server serves. */
export interface RemoteVersion {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly service: ServiceRef;
  /** PEM, or `undefined` for the system's authorities. */
  readonly caBundle: string | undefined;
  readonly skipsVerification: boolean;
  readonly isAvailable: boolean;
}

export interface ServiceRef {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** What a remote server said of itself when it was last asked. */
export interface RemoteDocuments {
  /** Its part of aggregated discovery: `resources` of the version. */
  readonly resources: readonly JsonObject[];
  /** `apis/GROUP/VERSION` to where its schema is; absent: it has none. */
  readonly openApiUrl: string | undefined;
  /** Absent: it has none, or none that can be read. */
  readonly swagger: RemoteSwagger | undefined;
}

/** Its part of the one document of OpenAPI v2, as it was last fetched. */
export interface RemoteSwagger {
  readonly fetchedMs: number;
  readonly etag: string;
  readonly part: SwaggerPart | undefined;
}

/** The APIServices of one moment. Readers see one state. */
export class ServiceTable {
  #services: readonly APIService[] = [];
  #remote = new Map<string, RemoteVersion>();
  #documents = new Map<string, RemoteDocuments>();

  get services(): readonly APIService[] {
    return this.#services;
  }
  get remotes(): readonly RemoteVersion[] {
    return [...this.#remote.values()];
  }

  /** No other server serves anything. */
  get isEmpty(): boolean {
    return this.#remote.size === 0;
  }

  replace(services: readonly APIService[]): void {
    this.#services = services;
    this.#remote = new Map(
      services.flatMap((service) => {
        const remote = remoteOf(service);
        return remote === undefined ? [] : [[keyOf(remote.group, remote.version), remote] as const];
      }),
    );
    for (const key of this.#documents.keys()) if (!this.#remote.has(key)) this.#documents.delete(key);
  }

  remote(group: string, version: string): RemoteVersion | undefined {
    return this.#remote.get(keyOf(group, version));
  }

  /** Another server serves some version of it. */
  hasGroup(group: string): boolean {
    return this.remotes.some((one) => one.group === group);
  }

  priorityOf = (group: string, version: string): Priority => {
    const found = this.#services.find(({ spec }) => (spec.group ?? "") === group && spec.version === version);
    return found?.spec ?? defaultPriority(group, version);
  };

  documents({ group, version }: RemoteVersion): RemoteDocuments | undefined {
    return this.#documents.get(keyOf(group, version));
  }
  setDocuments({ group, version }: RemoteVersion, documents: RemoteDocuments): void {
    this.#documents.set(keyOf(group, version), documents);
  }
}

const keyOf = (group: string, version: string) => `${group}/${version}`;

function remoteOf(service: APIService): RemoteVersion | undefined {
  const { group = "", version = "", service: ref, caBundle, insecureSkipTLSVerify } = service.spec;
  if (ref === undefined) return undefined;
  return {
    name: service.metadata.name,
    group,
    version,
    service: { namespace: ref.namespace ?? "", name: ref.name ?? "", port: ref.port ?? 443 },
    caBundle: caBundle ? Buffer.from(caBundle, "base64").toString("utf8") : undefined,
    skipsVerification: insecureSkipTLSVerify === true,
    isAvailable: availabilityOf(service)?.status === "True",
  };
}
