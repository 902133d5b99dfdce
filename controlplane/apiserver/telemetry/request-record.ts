import type { IncomingMessage } from "node:http";
import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import { metricLabels } from "../filters/metric-labels.ts";
import { header, type RequestInfo } from "../filters/request-info.ts";
import type { Kinds } from "../registry/kind-table.ts";
import type { FiguresByLabels, RequestFigures } from "./request-figures.ts";
import { countedUser, type RequestMetrics } from "./request-metrics.ts";
import { bounded, shownUri } from "./shown-uri.ts";
import { shownHeaders, verbosityLevels } from "./verbosity.ts";

export interface TelemetryConfig {
  /** See `verbosity.ts`. */
  readonly verbosity: number;
  /** What /flagz shows. */
  readonly flags?: Readonly<Record<string, string>>;
}

export interface RecordDeps {
  readonly config: TelemetryConfig;
  readonly metrics: RequestMetrics;
  readonly figures: FiguresByLabels;
  readonly kinds: Kinds;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RecordedRequest {
  readonly request: Pick<IncomingMessage, "url" | "method" | "headers" | "httpVersion" | "socket">;
  readonly info: RequestInfo;
  readonly auditId: string;
  readonly isLong: boolean;
}

/** What takes longer tells where the time went; Kubernetes' number. */
export const slowMs = 500;

interface Step {
  readonly name: string;
  readonly atMs: number;
}

/** One request from its head to its end, for whoever looks at figures and logs. Cheap while all goes well: a list of moments. */
export class RequestRecord {
  readonly #deps: RecordDeps;
  readonly #about: RecordedRequest;
  readonly #figures: RequestFigures;
  readonly #startedMs: number;
  readonly #steps: Step[] = [];
  #lastStepMs: number;
  /** Time that is others': in queues, and with webhooks. */
  #elsewhereMs = 0;
  #responseBytes: number | undefined;
  #isOver = false;
  #user: string | undefined;

  constructor(deps: RecordDeps, about: RecordedRequest) {
    this.#deps = deps;
    this.#about = about;
    this.#startedMs = deps.clock.monotonicMs();
    this.#lastStepMs = this.#startedMs;
    const contentType = header(about.request.headers, "content-type");
    this.#figures = deps.figures.of(metricLabels(about.info, deps.kinds, contentType));
    if (about.isLong) deps.metrics.longRunning.inc({ ...this.#figures.labels });
  }

  /** Something is done, for the trace of a slow request. The returned time is what it took. */
  step(name: string): number {
    const atMs = this.#deps.clock.monotonicMs();
    const tookMs = atMs - this.#lastStepMs;
    this.#lastStepMs = atMs;
    this.#steps.push({ name, atMs });
    return tookMs;
  }

  authenticated(name: string | undefined): void {
    const { metrics } = this.#deps;
    this.#user = name;
    const result = name === undefined ? "failure" : "success";
    metrics.authentications.of({ result }).count++;
    metrics.authenticationSeconds.of({ result }).observe(this.step("authenticated") / 1000);
    if (name !== undefined) metrics.users.of({ username: countedUser(name) }).count++;
  }

  /** The sender is known by a certificate that is good for so long. */
  hasCertificate(remainingMs: number): void {
    this.#deps.metrics.certificateSeconds.of({}).observe(remainingMs / 1000);
  }

  /** The sender acts, or may not act, as somebody else. */
  impersonated(mode: string, decision: "allowed" | "denied"): void {
    const tookMs = this.#deps.clock.monotonicMs() - this.#lastStepMs;
    const { impersonations, impersonationSeconds } = this.#deps.metrics;
    impersonations.of({ mode, decision }).count++;
    impersonationSeconds.of({ mode, decision }).observe(tookMs / 1000);
  }

  /** It is asked whether the sender may act so; to be told what the answer was. */
  deciding(mode: string): (decision: "allowed" | "denied") => void {
    const { clock, metrics } = this.#deps;
    const startedMs = clock.monotonicMs();
    return (decision) => {
      metrics.impersonationChecks.of({ mode, decision }).count++;
      metrics.impersonationCheckSeconds
        .of({ mode, decision })
        .observe((clock.monotonicMs() - startedMs) / 1000);
    };
  }

  /** In Kubernetes' words: allowed, no-opinion, error. */
  authorized(result: string): void {
    const { metrics } = this.#deps;
    metrics.authorizations.of({ result }).count++;
    metrics.authorizationSeconds.of({ result }).observe(this.step("authorized") / 1000);
  }

  hasBody(bytes: number): void {
    if (bytes > 0) this.#figures.bodyBytes(bodyVerb(this.#figures.labels.verb, this.#about)).observe(bytes);
  }

  /** So much time went by that is not this server's. */
  waited(ms: number): void {
    this.#elsewhereMs += ms;
  }

  hasAnswer(bytes: number): void {
    this.#responseBytes = (this.#responseBytes ?? 0) + bytes;
  }

  /** The server ends it to protect itself: too many, or too late. */
  terminated(code: number): void {
    this.#deps.metrics.terminations.of({ ...this.#figures.labels, code: String(code) }).count++;
  }

  /** The answer had begun and cannot be ended as it should. */
  aborted(): void {
    const { component: _, ...labels } = this.#figures.labels;
    this.#deps.metrics.aborts.of(labels).count++;
  }

  isDeprecated(): void {
    const { group, version, resource, subresource } = this.#figures.labels;
    this.#deps.metrics.deprecated.set({ group, version, resource, subresource, removed_release: "" }, 1);
  }

  /** Once; later calls say nothing new. */
  ends(code: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { metrics, clock, config } = this.#deps;
    const { labels } = this.#figures;
    const totalMs = clock.monotonicMs() - this.#startedMs;
    const dryRun = this.#about.info.query.get("dryRun") === "All" ? "All" : "";
    if (dryRun === "") this.#figures.total(code).count++;
    else metrics.total.of({ ...labels, dry_run: dryRun, code: String(code) }).count++;
    if (this.#about.isLong) metrics.longRunning.dec({ ...labels });
    else {
      const checked = fieldValidationOf(this.#about.info.query);
      metrics.fieldValidationSeconds.of({ field_validation: checked }).observe(totalMs / 1000);
      if (dryRun === "") {
        this.#figures.seconds.observe(totalMs / 1000);
        this.#figures.sliSeconds.observe(Math.max(0, totalMs - this.#elsewhereMs) / 1000);
      } else metrics.seconds.of({ ...labels, dry_run: dryRun }).observe(totalMs / 1000);
    }
    const reads = labels.verb === "GET" || labels.verb === "LIST";
    if (reads && this.#responseBytes !== undefined) this.#figures.responseBytes.observe(this.#responseBytes);
    if (config.verbosity >= verbosityLevels.requests) this.#line(code, totalMs);
    const isTold = totalMs > slowMs || config.verbosity >= verbosityLevels.steps;
    if (!this.#about.isLong && isTold) this.#trace(totalMs);
  }

  /** One line a request, with httplog's fields and the protocol. */
  #line(code: number, totalMs: number): void {
    const { request, auditId } = this.#about;
    const { verbosity } = this.#deps.config;
    this.#deps.log.info("HTTP", {
      verb: this.#figures.labels.verb,
      URI: shownUri(request.url ?? "/"),
      latency: milliseconds(totalMs),
      userAgent: bounded(header(request.headers, "user-agent")),
      "audit-ID": bounded(auditId),
      proto: `HTTP/${request.httpVersion}`,
      srcIP: `${request.socket.remoteAddress ?? ""}:${request.socket.remotePort ?? ""}`,
      resp: code,
      ...(verbosity >= verbosityLevels.users && { user: bounded(this.#user ?? "") }),
      ...(verbosity >= verbosityLevels.heads && { headers: shownHeaders(request.headers, bounded) }),
    });
  }

  /** Where the time of a slow request went, step by step. */
  #trace(totalMs: number): void {
    const { request, auditId, info } = this.#about;
    let beforeMs = this.#startedMs;
    const steps = this.#steps.map(({ name, atMs }) => {
      const tookMs = atMs - beforeMs;
      beforeMs = atMs;
      return `${name} ${milliseconds(tookMs)}`;
    });
    steps.push(`end ${milliseconds(this.#startedMs + totalMs - beforeMs)}`);
    this.#deps.log.info("Trace", {
      verb: this.#figures.labels.verb,
      url: shownUri(info.path),
      "user-agent": bounded(header(request.headers, "user-agent")),
      "audit-id": bounded(auditId),
      client: request.socket.remoteAddress ?? "",
      total: milliseconds(totalMs),
      ...(this.#elsewhereMs > 0 && { waited: milliseconds(this.#elsewhereMs) }),
      steps: steps.join(", "),
    });
  }
}

const fieldValidations: ReadonlySet<string> = new Set(["", "Ignore", "Warn", "Strict"]);

function fieldValidationOf(query: URLSearchParams): string {
  const asked = query.get("fieldValidation") ?? "";
  return fieldValidations.has(asked) ? asked : "invalid";
}

/** Bodies are counted by what is done with them. */
function bodyVerb(verb: string, { info }: RecordedRequest): string {
  const asked = info.resource?.verb;
  if (asked === undefined) return verb.toLowerCase();
  return asked === "deletecollection" ? "delete_collection" : asked;
}

const milliseconds = (ms: number): string => `${ms.toFixed(3)}ms`;
