import type { IncomingMessage } from "node:http";
import { exactJsonText, parseExactJson } from "../../../base/exact-json.ts";
import { internalError, type StatusObject } from "../api-error.ts";
import { anonymous, type User } from "../filters/authentication.ts";
import { header, type RequestInfo } from "../filters/request-info.ts";
import { isObject, type JsonObject, objectOf, stringOf } from "../json.ts";
import { type AuditRule, type Level, levels, type Stage } from "./policy.ts";

/** Takes finished events, each a line of JSON. */
export interface AuditSink {
  /** A promise where whoever tells is to wait; resolves to whether it may go on. */
  write(line: string): Promise<boolean> | undefined;
  /** Resolves once there is room for more. */
  ready(): Promise<void>;
}

export interface TrailDeps {
  readonly ruleFor: (user: User, info: RequestInfo) => AuditRule | undefined;
  readonly sink: AuditSink;
  readonly wallMs: () => number;
  /** A request fails since it cannot be told of. */
  readonly rejected: () => void;
}

export interface AuditedRequest {
  readonly request: Pick<IncomingMessage, "url" | "headers" | "socket">;
  readonly info: RequestInfo;
  readonly auditId: string;
  readonly isLong: boolean;
  /** What was noted so far; looked at with every event. */
  readonly annotations: ReadonlyMap<string, string>;
}

const userAgentMax = 1024;

/** What is told of one request, stage by stage. Does nothing from the moment that no rule asks for it. */
export class AuditTrail {
  readonly #deps: TrailDeps;
  #over = false;
  readonly #about: AuditedRequest;
  readonly #receivedMs: number;
  #rule: AuditRule | undefined;
  #user: User = anonymous;
  #impersonated: User | undefined;
  #meta: JsonObject = {};
  #status: JsonObject | undefined;
  #requestObject: string | undefined;
  #responseObject: string | undefined;
  #started = false;

  constructor(deps: TrailDeps, about: AuditedRequest) {
    this.#deps = deps;
    this.#about = about;
    this.#receivedMs = deps.wallMs();
  }

  /** Whether bodies are told of, so that nobody makes them ready in vain. */
  get wantsResponse(): boolean {
    return this.#at("RequestResponse");
  }

  /** It is known who sends; from here on it is known whether anything is told. Waits where there is no room. */
  async sentBy(user: User): Promise<void> {
    this.#choose(user);
    if (this.#rule === undefined) return;
    await this.#deps.sink.ready();
    if ((await this.#tell("RequestReceived")) === false) {
      this.#deps.rejected();
      throw internalError("failed to store audit event");
    }
  }

  /** As whom the request is made, where its sender may speak for others. */
  madeAs(user: User): void {
    if (user !== this.#user) this.#impersonated = user;
  }

  /** The sender could not be made out; there is no RequestReceived then. */
  unknownSender(): void {
    this.#choose(anonymous);
    this.#user = { name: "", groups: [] };
  }

  /** What is asked for. `read` is called where somebody wants it told; what it cannot read is refused, and told so. */
  body(read: () => unknown): void {
    const { verb } = this.#about.info;
    const wantsObject = this.#at("Request");
    const isPatch = verb === "patch";
    if (!(wantsObject || (this.#at("Metadata") && !isPatch))) return;
    let object: unknown;
    try {
      object = read();
    } catch {
      return;
    }
    if (!isPatch && isObject(object)) this.#meta = objectOf(object.metadata);
    if (wantsObject) this.#requestObject = exactJsonText(this.#shown(object));
  }

  /** What is answered, as JSON. */
  answer(json: string): void {
    if (!this.wantsResponse) return;
    this.#responseObject = this.#rule?.omitManagedFields
      ? exactJsonText(this.#shown(parseExactJson(json)))
      : json;
  }

  /** It is answered with a Status. */
  status(answered: Partial<StatusObject>): void {
    if (this.#rule === undefined) return;
    const { status, message, reason, details, code } = answered;
    this.#status = { metadata: {}, status, message, reason, details, code };
    this.answer(JSON.stringify(answered));
  }

  /** The answer's head is about to be sent. */
  responds(code: number): void {
    if (this.#rule === undefined || this.#started) return;
    this.#started = true;
    this.#status = { metadata: {}, ...this.#status, code };
    if (this.#about.isLong || this.#user.name === "") this.#tell("ResponseStarted");
  }

  completes(): void {
    if (this.#rule === undefined || this.#user.name === "" || this.#over) return;
    if (!this.#started) {
      this.#status = { metadata: {}, status: "Success", message: "Connection closed early", code: 200 };
      if (this.#about.isLong) this.#tell("ResponseStarted");
    }
    this.#tell("ResponseComplete");
  }

  /** In place of completing: we are wrong, not the client. */
  panics(message: string): void {
    if (this.#rule === undefined) return;
    const words = { status: "Failure", message: `APIServer panic'd: ${message}`, reason: "InternalError" };
    this.#status = { metadata: {}, ...words, code: 500 };
    this.#started = true;
    this.#over = true;
    this.#tell("Panic");
  }

  #choose(user: User): void {
    this.#user = user;
    const rule = this.#deps.ruleFor(user, this.#about.info);
    this.#rule = rule?.level === "None" ? undefined : rule;
  }

  #at(level: Level): boolean {
    return this.#rule !== undefined && levels.indexOf(this.#rule.level) >= levels.indexOf(level);
  }

  /** Without managed fields where the rule says so. */
  #shown(object: unknown): unknown {
    return this.#rule?.omitManagedFields ? withoutManagedFields(object) : object;
  }

  #tell(stage: Stage): Promise<boolean> | undefined {
    if (this.#rule === undefined || this.#rule.omitStages.includes(stage)) return undefined;
    const nowMs = stage === "RequestReceived" ? this.#receivedMs : this.#deps.wallMs();
    return this.#deps.sink.write(`${this.#event(this.#rule, stage, nowMs)}\n`);
  }

  #event(rule: AuditRule, stage: Stage, nowMs: number): string {
    const { request, info, auditId, annotations } = this.#about;
    const head = {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: rule.level,
      auditID: auditId,
      stage,
      requestURI: request.url ?? "/",
      verb: info.verb,
      user: userInfo(this.#user),
      ...(this.#impersonated && { impersonatedUser: userInfo(this.#impersonated) }),
      sourceIPs: sourceAddresses(request),
      ...userAgent(header(request.headers, "user-agent")),
      ...(info.resource && { objectRef: objectReference(info.resource, this.#meta) }),
      ...(this.#status && { responseStatus: this.#status }),
    };
    const tail = {
      requestReceivedTimestamp: microTime(this.#receivedMs),
      stageTimestamp: microTime(nowMs),
      ...(annotations.size > 0 && { annotations: Object.fromEntries(annotations) }),
    };
    const objects =
      (this.#requestObject === undefined ? "" : `"requestObject":${this.#requestObject},`) +
      (this.#responseObject === undefined ? "" : `"responseObject":${this.#responseObject},`);
    return `${JSON.stringify(head).slice(0, -1)},${oneLine(objects)}${JSON.stringify(tail).slice(1)}`;
  }
}

/** JSON keeps no line break inside its texts: those between them say nothing. */
const oneLine = (json: string) => json.replaceAll(/[\r\n]/g, " ");

function withoutManagedFields(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { metadata, items } = value;
  const strip = (meta: unknown) => {
    if (!isObject(meta)) return meta;
    const { managedFields: _, ...kept } = meta;
    return kept;
  };
  return {
    ...value,
    ...(metadata !== undefined && { metadata: strip(metadata) }),
    ...(Array.isArray(items) && { items: items.map(withoutManagedFields) }),
  };
}

function userInfo({ name, uid, groups, extra }: User): JsonObject {
  // Of whom nothing is known, nothing is said.
  if (name === "") return {};
  return {
    username: name,
    ...(uid !== undefined && uid !== "" && { uid }),
    groups: [...groups],
    ...(extra !== undefined && Object.keys(extra).length > 0 && { extra }),
  };
}

function userAgent(text: string): { readonly userAgent?: string } {
  if (text === "") return {};
  return { userAgent: text.length > userAgentMax ? `${text.slice(0, userAgentMax)}...TRUNCATED` : text };
}

/** Whoever passed the request on says from whom; only the last is certain. */
function sourceAddresses({ headers, socket }: AuditedRequest["request"]): readonly string[] {
  const forwarded = header(headers, "x-forwarded-for")
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
  const real = header(headers, "x-real-ip").trim();
  if (real !== "" && !forwarded.includes(real)) forwarded.push(real);
  const remote = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  if (remote !== "" && forwarded.at(-1) !== remote) forwarded.push(remote);
  return forwarded;
}

function objectReference(target: NonNullable<RequestInfo["resource"]>, meta: JsonObject): JsonObject {
  const namespace = target.namespace || stringOf(meta.namespace);
  const name = target.name || stringOf(meta.name);
  const all = {
    resource: target.plural,
    namespace,
    name,
    uid: stringOf(meta.uid),
    apiGroup: target.group,
    apiVersion: target.version,
    resourceVersion: stringOf(meta.resourceVersion),
    subresource: target.subresource,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
}

/** RFC 3339 with six digits, as Kubernetes' MicroTime. */
const microTime = (ms: number) => new Date(ms).toISOString().replace("Z", "000Z");
