import type { Clock } from "../base/os/clock.ts";
import type { HttpRequest } from "../client/http/request.ts";
import { requestInfo } from "../controlplane/apiserver/filters/request-info.ts";
import type { Caller } from "./local/local-server.ts";

/** A request that the API server was asked within a cluster. */
export interface RecordedRequest {
  /** Who asked: `scheduler`, `controller-manager`, `nodes`, `test`, or whatever a client of one's own was named. */
  readonly from: string;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; the HTTP method for what is no resource. */
  readonly verb: string;
  readonly group: string;
  /** Such as `pods`; empty for what is no resource. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  /** Of a `create` it is empty. */
  readonly name: string;
  /** With its query. */
  readonly path: string;
  readonly at: Date;
  /** The answer's HTTP status; 0: none came. */
  readonly code: number;
}

/** What a request asks for. Pure. */
export function asked({ name: from }: Caller, { method, path }: HttpRequest) {
  const { resource, verb } = requestInfo(method, path);
  return {
    from,
    verb,
    group: resource?.group ?? "",
    resource: resource?.plural ?? "",
    subresource: resource?.subresource ?? "",
    namespace: resource?.namespace ?? "",
    name: resource?.name ?? "",
    path,
  };
}

export type Asked = ReturnType<typeof asked>;

/** The newest are kept. */
const recordedMost = 10_000;

/** The requests that were made, the oldest first. */
export class RequestRecord {
  readonly #clock: Clock;
  #requests: RecordedRequest[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(asked: Asked, code: number): void {
    this.#requests.push({ ...asked, at: new Date(this.#clock.wallMs()), code });
    if (this.#requests.length > 2 * recordedMost) this.#requests = this.#requests.slice(-recordedMost);
  }

  /** Those that are like what is given; all without it. The newest 10,000 at most. */
  list(like: Partial<Pick<RecordedRequest, RequestField>> = {}): readonly RecordedRequest[] {
    const wanted = Object.entries(like);
    return this.#requests
      .slice(-recordedMost)
      .filter((request) => wanted.every(([field, value]) => request[field as RequestField] === value));
  }

  /** Forgets those that were made. */
  clear(): void {
    this.#requests = [];
  }
}

type RequestField = "from" | "verb" | "group" | "resource" | "subresource" | "namespace" | "name" | "code";
