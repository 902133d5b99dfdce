import { type Duration, durationMs } from "../base/duration.ts";
import { type Clock, sleep } from "../base/os/clock.ts";
import { chance, type Random } from "../base/os/random.ts";
import { ConnectionError } from "../client/api-error.ts";
import type { HttpAnswer, HttpRequest } from "../client/http/request.ts";
import { faultProblems, scopeFields, scopeProblems } from "./fault-problems.ts";
import type { Between } from "./local/local-way.ts";
import { TextAnswer } from "./local/text-answer.ts";
import { reasons } from "./refusal-reasons.ts";
import { type Asked, asked, type RequestRecord } from "./requests.ts";

/** Which requests a fault befalls: those that are like all that is given. */
export interface FaultScope {
  /** Who asks: `scheduler` and `controller-manager`, all replicas or one, `nodes`, `test`, or another client's name. */
  readonly from?: string;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`. */
  readonly verb?: string | readonly string[];
  /** Such as `pods`. */
  readonly resource?: string;
  /** Such as `status`; `""` for the object itself. */
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** What befalls requests. */
export interface Fault extends FaultScope {
  /** The answer is this refusal, and nothing is done. A number is an HTTP status, `"Conflict"` one of Kubernetes' reasons. */
  readonly error?:
    | number
    | keyof typeof reasons
    | { readonly code: number; readonly reason?: string; readonly message?: string };
  /** The request is held back for so long, by the cluster's clock: where that stands still, until it is moved. */
  readonly delay?: Duration;
  /** The request never arrives, or is done and its answer gets lost. */
  readonly lose?: "request" | "answer";
  /** How often it strikes; absent: always. */
  readonly times?: number;
  /** How probable it is for each request, 0 to 1; absent: certain. By the cluster's seed. */
  readonly chance?: number;
}

/** A fault that was put in place. */
export interface PlacedFault {
  /** How often it has struck. */
  readonly struck: number;
  /** Ends it. */
  remove(): void;
}

class Placed implements PlacedFault {
  readonly fault: Fault;
  readonly #remove: (one: Placed) => void;
  struck = 0;

  constructor(fault: Fault, remove: (one: Placed) => void) {
    this.fault = fault;
    this.#remove = remove;
  }

  remove(): void {
    this.#remove(this);
  }
}

/** What goes wrong between the API server and those who call it in this process. */
export interface Faults {
  /** From now on requests meet this. Of several that fit, the first one that strikes counts. Throws TypeError for what is none. */
  add(fault: Fault): PlacedFault;
  /** Ends watches that are open now, as a server that goes away would. Answers how many. Throws TypeError for what is no scope. */
  dropWatches(scope?: Omit<FaultScope, "verb">): number;
  /** Ends all faults. */
  clear(): void;
}

/** The faults that were put in place. */
export class PlacedFaults implements Faults {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #record: RequestRecord;
  readonly #cut: (isMeant: (asked: Asked) => boolean) => number;
  readonly #placed = new Set<Placed>();

  constructor(
    { clock, random }: { readonly clock: Clock; readonly random: Random },
    record: RequestRecord,
    cut: (isMeant: (asked: Asked) => boolean) => number,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#record = record;
    this.#cut = cut;
  }

  add(fault: Fault): PlacedFault {
    const problems = faultProblems(fault);
    if (problems.length > 0) throw new TypeError(problems.join("\n"));
    const placed = new Placed(fault, (one) => this.#placed.delete(one));
    this.#placed.add(placed);
    return placed;
  }

  dropWatches(scope: Omit<FaultScope, "verb"> = {}): number {
    const problems = scopeProblems(scope, scopeFields);
    if (problems.length > 0) throw new TypeError(problems.join("\n"));
    return this.#cut((one) => one.verb === "watch" && isLike(scope, one));
  }

  clear(): void {
    this.#placed.clear();
  }

  readonly between: Between = async (caller, request, ask, closed) => {
    const what = asked(caller, request);
    try {
      const answer = await this.#through(what, request, ask, closed);
      this.#record.add(what, answer, request);
      return answer;
    } catch (error) {
      this.#record.add(what, undefined, request);
      throw error;
    }
  };

  async #through(
    what: Asked,
    request: HttpRequest,
    ask: () => Promise<HttpAnswer>,
    closed: AbortSignal,
  ): Promise<HttpAnswer> {
    const placed = this.#striking(what);
    if (placed === undefined) return ask();
    const { error, delay, lose } = placed.fault;
    if (delay !== undefined) {
      const over = AbortSignal.any([request.signal ?? closed, closed]);
      await sleep(this.#clock, durationMs(delay), over);
    }
    if (lose === "request") throw lost(request, true);
    if (error !== undefined) return refusal(error);
    const answer = await ask();
    if (lose !== "answer") return answer;
    answer.destroy();
    throw lost(request, false);
  }

  #striking(what: Asked): Placed | undefined {
    for (const placed of this.#placed) {
      const { times, chance: probability } = placed.fault;
      if (!isLike(placed.fault, what) || placed.struck >= (times ?? Number.POSITIVE_INFINITY)) continue;
      if (probability !== undefined && !chance(this.#random, probability)) continue;
      placed.struck++;
      return placed;
    }
    return undefined;
  }
}

function isLike({ from, verb, resource, subresource, namespace, name }: FaultScope, what: Asked): boolean {
  const is = (wanted: string | undefined, found: string) => wanted === undefined || wanted === found;
  return (
    (is(from, what.from) || from === what.replicasOf) &&
    (verb === undefined || [verb].flat().includes(what.verb)) &&
    is(resource, what.resource) &&
    is(subresource, what.subresource) &&
    is(namespace, what.namespace) &&
    is(name, what.name)
  );
}

function refusal(error: NonNullable<Fault["error"]>): HttpAnswer {
  const given =
    typeof error === "object" ? error : { code: typeof error === "number" ? error : reasons[error] };
  const { code } = given;
  const reason = ("reason" in given && given.reason) || (typeof error === "string" ? error : reasonOf(code));
  const message =
    ("message" in given && given.message) || `a fault that the test asked for: ${reason || code}`;
  const status = { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message };
  return new TextAnswer(code, JSON.stringify(status));
}

const reasonOf = (code: number): string => Object.entries(reasons).find(([, one]) => one === code)?.[0] ?? "";

function lost({ method, path }: HttpRequest, neverSent: boolean): ConnectionError {
  const what = neverSent ? "the request was lost" : "the answer was lost";
  return new ConnectionError(`${method} ${path}: ${what}: a fault that the test asked for`, { neverSent });
}
