import type { Clock } from "../base/os/clock.ts";
import type { HttpAnswer, HttpRequest } from "../client/http/request.ts";
import { warningTexts } from "../client/http/warnings.ts";
import { requestInfo } from "../controlplane/apiserver/filters/request-info.ts";
import { checkFilter } from "./check-arguments.ts";
import type { Caller } from "./local/local-server.ts";

/** A request that the API server was asked within a cluster. */
export interface RecordedRequest {
  /** Who asked: `scheduler`, `controller-manager`, `nodes`, `test`, or whatever a client of one's own was named; one of several
   *  replicas by its number, `scheduler-1`. */
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
  /** What the server warned of, such as fields that it does not know, and what webhooks warn of. */
  readonly warnings: readonly string[];
  /** What was sent, while `keepsBodies` is set: JSON is read, all else is text. */
  readonly body?: unknown;
}

/** What a request asks for. Pure. */
export function asked({ name: from, group: replicasOf = from }: Caller, { method, path }: HttpRequest) {
  const { resource, verb } = requestInfo(method, path);
  return {
    from,
    /** All replicas together. */
    replicasOf,
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

/** The requests that were made, the newest 10,000 of them. */
export interface Requests {
  /** Whether what is sent from now on is kept, too; it is not unless set. */
  keepsBodies: boolean;
  /** Those that are like what is given, the oldest first; all without it. */
  list(like?: Partial<Pick<RecordedRequest, RequestField>>): readonly RecordedRequest[];
  /** Forgets those that were made. */
  clear(): void;
}

/** Whoever writes them down. */
export class RequestRecord implements Requests {
  keepsBodies = false;
  readonly #clock: Clock;
  #requests: RecordedRequest[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param answer Absent where none came. */
  add(
    { replicasOf: _, ...asked }: Asked,
    answer: Pick<HttpAnswer, "statusCode" | "warning"> | undefined,
    { body }: Pick<HttpRequest, "body">,
  ): void {
    const code = answer?.statusCode ?? 0;
    const warnings = warningTexts(answer?.warning);
    const at = new Date(this.#clock.wallMs());
    const kept = this.keepsBodies && body !== undefined && { body: readBody(body) };
    this.#requests.push({ ...asked, at, code, warnings, ...kept });
    if (this.#requests.length > 2 * recordedMost) this.#requests = this.#requests.slice(-recordedMost);
  }

  list(like: Partial<Pick<RecordedRequest, RequestField>> = {}): readonly RecordedRequest[] {
    checkFilter(like, requestFields);
    const wanted = Object.entries(like).filter(([, value]) => value !== undefined);
    return this.#requests
      .slice(-recordedMost)
      .filter((request) => wanted.every(([field, value]) => request[field as RequestField] === value));
  }

  clear(): void {
    this.#requests = [];
  }
}

function readBody(body: string | Uint8Array): unknown {
  const text = typeof body === "string" ? body : Buffer.from(body).toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    return text; // YAML, or another encoding
  }
}

const requestFields = [
  "from",
  "verb",
  "group",
  "resource",
  "subresource",
  "namespace",
  "name",
  "code",
] as const;

/** By what they are told apart. */
export type RequestField = (typeof requestFields)[number];
