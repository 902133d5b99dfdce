import { durationMs } from "../../base/duration.ts";
import type { Container } from "../../client/types.ts";
import { pullWords } from "../images/pull-words.ts";
import { defaultPullPolicy, InvalidImageName } from "../images/reference.ts";
import { afterRestart, type BackoffEntry, backoffUntil } from "../sync/crash-backoff.ts";
import type { PullScript } from "./pod-behaviour.ts";

/** What a pull of an image has come to. */
export type Pulled =
  | { readonly state: "there" }
  | { readonly state: "under way"; readonly untilMs: number }
  | {
      readonly state: "failed";
      readonly reason: "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName";
      readonly message: string;
      /** Undefined: it is not tried again. */
      readonly untilMs: number | undefined;
    };

interface Pull {
  startedMs: number;
  dueMs: number | undefined;
  failures: number;
  failure: (BackoffEntry & { readonly failedMs: number; readonly message: string }) | undefined;
  isDone: boolean;
}

export type TellEvent = (type: "Normal" | "Warning", reason: string, message: string) => void;

/** The pulls of one pod, as its script has them. The images that its node has are shared with other pods. */
export class SimulatedPulls {
  readonly #images: Set<string>;
  /** By container. */
  readonly #pulls = new Map<string, Pull>();

  constructor(images: Set<string>) {
    this.#images = images;
  }

  /** Goes on with the pull for a container that is to start.
   *  @param attempt Of the container: each start of it may pull anew. */
  advance(
    { name, image = "", imagePullPolicy }: Container,
    { script, attempt, nowMs, tell }: PullContext,
  ): Pulled {
    const key = `${name}/${attempt}`;
    const usual = policyOf(image);
    if (usual === undefined) {
      const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`;
      return { state: "failed", reason: "InvalidImageName", message, untilMs: undefined };
    }
    const policy = imagePullPolicy ?? usual;
    let pull = this.#pulls.get(key);
    if (pull === undefined) {
      for (const old of this.#pulls.keys()) if (old.startsWith(`${name}/`)) this.#pulls.delete(old);
      if (policy !== "Always" && this.#images.has(image)) {
        tell("Normal", "Pulled", pullWords.present(image));
        this.#begun(key, nowMs).isDone = true;
        return { state: "there" };
      }
      pull = this.#begun(key, nowMs);
      if (policy === "Never") {
        tell("Warning", "ErrImageNeverPull", pullWords.never(image));
        tell("Warning", "Failed", "Error: ErrImageNeverPull");
      }
    }
    if (pull.isDone) return { state: "there" };
    if (policy === "Never")
      return {
        state: "failed",
        reason: "ErrImageNeverPull",
        message: pullWords.never(image),
        untilMs: undefined,
      };
    const { failure } = pull;
    if (failure !== undefined && pull.dueMs === undefined) {
      const untilMs = backoffUntil(failure, failure.failedMs, nowMs);
      if (untilMs !== undefined) {
        const message = pullWords.backOffStatus(image, failure.message);
        return { state: "failed", reason: "ImagePullBackOff", message, untilMs };
      }
    }
    return this.#pull(pull, image, { script, nowMs, tell });
  }

  #begun(key: string, nowMs: number): Pull {
    const pull = { startedMs: nowMs, dueMs: undefined, failures: 0, failure: undefined, isDone: false };
    this.#pulls.set(key, pull);
    return pull;
  }

  #pull(pull: Pull, image: string, { script, nowMs, tell }: Omit<PullContext, "attempt">): Pulled {
    const { takes = 0, error, times = Number.POSITIVE_INFINITY } = script;
    if (pull.dueMs === undefined) {
      tell("Normal", "Pulling", pullWords.pulling(image));
      pull.startedMs = nowMs;
      pull.dueMs = nowMs + durationMs(takes);
    }
    if (nowMs < pull.dueMs) return { state: "under way", untilMs: pull.dueMs };
    pull.dueMs = undefined;
    if (error === undefined || pull.failures >= times) {
      pull.failure = undefined;
      pull.isDone = true;
      this.#images.add(image);
      tell("Normal", "Pulled", pullWords.pulled(image, nowMs - pull.startedMs, sizeBytes));
      return { state: "there" };
    }
    const message = pullWords.failed(image, error);
    const entry = afterRestart(pull.failure, pull.failure?.failedMs ?? nowMs, nowMs);
    pull.failures++;
    pull.failure = { ...entry, failedMs: nowMs, message };
    tell("Warning", "Failed", pullWords.failedEvent(image, message));
    tell("Warning", "Failed", "Error: ErrImagePull");
    tell("Normal", "BackOff", pullWords.backOff(image));
    return { state: "failed", reason: "ErrImagePull", message, untilMs: nowMs + entry.delayMs };
  }
}

interface PullContext {
  readonly script: PullScript;
  readonly attempt: number;
  readonly nowMs: number;
  readonly tell: TellEvent;
}

/** Of every image that nobody made. */
const sizeBytes = 1024 * 1024;

/** Undefined for what is no name of an image. */
function policyOf(image: string): string | undefined {
  try {
    return defaultPullPolicy(image);
  } catch (error) {
    if (error instanceof InvalidImageName) return undefined;
    throw error;
  }
}
