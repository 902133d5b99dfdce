import { describeError } from "../../base/os/log.ts";
import type { Os } from "../../base/os/os.ts";
import { afterRestart, type BackoffEntry, backoffUntil, crashBackoff } from "../sync/crash-backoff.ts";
import { hostImage } from "./host-image.ts";
import { type Image, ImageError } from "./image.ts";
import { mayUse } from "./image-access.ts";
import { ImageHolds } from "./image-holds.ts";
import type { ImageSource } from "./image-source.ts";
import { Slots } from "./layers/slots.ts";
import type { PullCredentials } from "./pull-credentials.ts";
import type { PullProgress } from "./pull-progress.ts";
import { pullWords } from "./pull-words.ts";
import {
  defaultPullPolicy,
  InvalidImageName,
  parseReference,
  type Reference,
  referenceText,
  repositoryText,
} from "./reference.ts";
import { SharedWork } from "./shared-work.ts";

/** An image that a container cannot have now: the waiting reason of its status. */
export class ImageUnavailable extends Error {
  override readonly name = "ImageUnavailable";
  readonly reason:
    | "ErrImagePull"
    | "ImagePullBackOff"
    | "ErrImageNeverPull"
    | "InvalidImageName"
    | "HostImageNotAllowed";
  /** Wall time of the next try. */
  readonly retryAtMs: number;

  constructor(reason: ImageUnavailable["reason"], message: string, retryAtMs: number) {
    super(message);
    this.reason = reason;
    this.retryAtMs = retryAtMs;
  }
}

export interface PullRequest {
  readonly image: string;
  readonly podUid: string;
  readonly policy: string | undefined;
  /** What the pod has to show for an image, in the order of trying. */
  readonly credentialsFor: (reference: Reference) => Promise<readonly PullCredentials[]>;
  readonly onEvent: (type: "Normal" | "Warning", reason: string, message: string) => void;
  readonly signal: AbortSignal;
}

export interface ImageManagerOptions {
  readonly allowHostImage: boolean;
  /** Images that are pulled at a time; all by default. */
  readonly imagePullsMost?: number | undefined;
}

/** Between two lines of the log. */
const progressMs = 10_000;

/** Gives containers their images: pulls what is wanted, once for all who ask at the same time with the same credentials,
 *  with a back-off of each pod's own after failures. */
export class ImageManager {
  /** Of the pods that were given images. */
  readonly holds = new ImageHolds();
  readonly #source: ImageSource;
  readonly #os: Os;
  readonly #pulls = new SharedWork<Image>();
  /** By pod and image. */
  readonly #failures = new Map<
    string,
    BackoffEntry & { readonly failedMs: number; readonly message: string }
  >();

  readonly #allowHostImage: boolean;
  readonly #slots: Slots;

  constructor(source: ImageSource, os: Os, options: ImageManagerOptions) {
    this.#slots = new Slots(options.imagePullsMost ?? Number.POSITIVE_INFINITY);
    this.#allowHostImage = options.allowHostImage;
    this.#source = source;
    this.#os = os;
  }

  /** The image stays until the pod is released. Rejects with ImageUnavailable. */
  async ensure(request: PullRequest): Promise<Image> {
    const { image, onEvent } = request;
    const nowMs = this.#os.clock.wallMs();
    let policy: string;
    let found: Image | undefined;
    try {
      policy = request.policy ?? defaultPullPolicy(image);
      found = await this.holds.hold(request.podUid, () => this.#source.find(image));
    } catch (error) {
      if (!(error instanceof InvalidImageName)) throw error;
      const message = `Failed to apply default image tag "${image}": ${error.message}`;
      onEvent("Warning", "InspectFailed", message);
      onEvent("Warning", "Failed", "Error: InvalidImageName");
      throw new ImageUnavailable("InvalidImageName", message, nowMs + 60_000);
    }
    if (found?.id === hostImage.id && !this.#allowHostImage) {
      const message = `${image} is the host's own file system, which this node does not allow; start its agent with --allow-host-image`;
      onEvent("Warning", "Failed", message);
      throw new ImageUnavailable("HostImageNotAllowed", message, nowMs + 60_000);
    }
    // Archives brought in by hand and the host itself have no registry that could have something newer.
    const present = policy !== "Always" || found?.digests.length === 0 ? found : undefined;
    if (present !== undefined && (await this.#mayUse(present, request))) {
      onEvent("Normal", "Pulled", pullWords.present(image));
      return present;
    }
    if (policy === "Never") {
      // The same for one that is there, but not for this pod: nobody learns what others have.
      const message = pullWords.never(image);
      onEvent("Warning", "ErrImageNeverPull", message);
      onEvent("Warning", "Failed", "Error: ErrImageNeverPull");
      throw new ImageUnavailable("ErrImageNeverPull", message, nowMs + 60_000);
    }
    const failure = this.#failures.get(failureKey(request));
    const untilMs = failure && backoffUntil(failure, failure.failedMs, nowMs);
    if (failure !== undefined && untilMs !== undefined) {
      onEvent("Normal", "BackOff", pullWords.backOff(image));
      throw new ImageUnavailable(
        "ImagePullBackOff",
        pullWords.backOffStatus(image, failure.message),
        untilMs,
      );
    }
    return this.#pull(request);
  }

  /** The pod is gone, and what it used. */
  release(podUid: string): void {
    this.holds.release(podUid);
  }

  async #mayUse(found: Image, { image, credentialsFor }: PullRequest): Promise<boolean> {
    const reference = parseReference(image);
    const repository = repositoryText(reference);
    const verdict = await mayUse(found.access, repository, () =>
      // The pull that follows says what is wrong with them.
      credentialsFor(reference).catch(noneIfUnreadable),
    );
    if (verdict.mayUse && verdict.record)
      await this.#source.recordAccess(found.id, { repository, credentials: verdict.record });
    return verdict.mayUse;
  }

  async #pull(request: PullRequest): Promise<Image> {
    const { image, onEvent } = request;
    const startedMs = this.#os.clock.monotonicMs();
    onEvent("Normal", "Pulling", pullWords.pulling(image));
    try {
      const { id } = await this.#shared(request);
      const pulled = await this.holds.hold(request.podUid, () => this.#source.find(id));
      if (pulled === undefined) throw new ImageError("the image was removed as soon as it had come");
      this.#failures.delete(failureKey(request));
      const tookMs = Math.round(this.#os.clock.monotonicMs() - startedMs);
      onEvent("Normal", "Pulled", pullWords.pulled(image, tookMs, pulled.sizeBytes));
      return pulled;
    } catch (error) {
      if (request.signal.aborted) throw error;
      const message = pullWords.failed(image, describeError(error));
      const nowMs = this.#os.clock.wallMs();
      const before = this.#failures.get(failureKey(request));
      const entry = afterRestart(before, before?.failedMs ?? nowMs, nowMs);
      this.#forgetOld(nowMs);
      this.#failures.set(failureKey(request), { ...entry, failedMs: nowMs, message });
      onEvent("Warning", "Failed", pullWords.failedEvent(image, message));
      onEvent("Warning", "Failed", "Error: ErrImagePull");
      if (!(error instanceof ImageError)) this.#os.log.warn("image pull failed", { image, error });
      throw new ImageUnavailable("ErrImagePull", message, nowMs + entry.delayMs);
    }
  }

  async #shared({ image, credentialsFor, signal }: PullRequest): Promise<Image> {
    const reference = parseReference(image);
    const credentials = await credentialsFor(reference);
    // What one may have, another with other credentials may not.
    const key = [referenceText(reference), ...credentials.map(({ hash }) => hash)].join(" ");
    return this.#pulls.join(key, signal, async (stop) => {
      const leave = await this.#slots.take(stop);
      try {
        return await this.#pullWithAny(reference, credentials, stop);
      } finally {
        leave();
      }
    });
  }

  async #pullWithAny(
    reference: Reference,
    all: readonly PullCredentials[],
    signal: AbortSignal,
  ): Promise<Image> {
    const onProgress = this.#progressLog(reference);
    if (all.length === 0) return this.#source.pull(reference, { onProgress, signal });
    const errors: unknown[] = [];
    for (const credentials of all)
      try {
        return await this.#source.pull(reference, { credentials, onProgress, signal });
      } catch (error) {
        signal.throwIfAborted();
        errors.push(error);
      }
    if (errors.length === 1) throw errors[0];
    throw new ImageError(`[${[...new Set(errors.map(describeError))].join(", ")}]`);
  }

  /** Tells of a pull that takes long. */
  #progressLog(reference: Reference): (progress: PullProgress) => void {
    const { clock, log } = this.#os;
    let toldMs = clock.monotonicMs();
    return (progress) => {
      if (clock.monotonicMs() - toldMs < progressMs) return;
      toldMs = clock.monotonicMs();
      log.info("pulling an image", { image: referenceText(reference), ...progress });
    };
  }

  /** Of pods that ask no more. */
  #forgetOld(nowMs: number): void {
    for (const [key, { failedMs, delayMs }] of this.#failures)
      if (nowMs - failedMs > delayMs + crashBackoff.forgetMs) this.#failures.delete(key);
  }
}

function noneIfUnreadable(error: unknown): readonly PullCredentials[] {
  if (error instanceof ImageError) return [];
  throw error;
}

const failureKey = ({ podUid, image }: PullRequest) => `${podUid} ${image}`;
