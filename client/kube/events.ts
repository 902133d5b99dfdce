import { TaskScope } from "../../base/os/task-scope.ts";
import { type EventInput, EventRecorder, type EventSubject } from "../events.ts";
import type { ReflectorDeps } from "../reflector.ts";
import type { RestClient } from "../rest.ts";

/** Events about objects, which `kubectl describe` shows. Repeats raise a count; too many about one object are dropped.
 *
 *      await using events = new Events(api, { component: "backup-operator" });
 *      events.record(pod, { type: "Warning", reason: "NoSpace", message: "the disk is full" });
 */
export class Events implements AsyncDisposable {
  readonly #recorder: EventRecorder;
  readonly #tasks: TaskScope;

  constructor(
    api: { readonly rest: RestClient; readonly deps: ReflectorDeps },
    options: { readonly component: string; readonly host?: string },
  ) {
    const { clock, random, log } = api.deps;
    this.#recorder = new EventRecorder(options, { client: api.rest, clock, random, log });
    this.#tasks = new TaskScope(log);
    this.#tasks.run("events", (signal) => this.#recorder.run(signal));
  }

  /** Never waits and never fails: it is sent in the background, and may get lost where no server takes it. */
  record(subject: EventSubject, event: EventInput): void {
    this.#recorder.record(subject, event);
  }

  /** Sends what is left, once, and resolves. */
  stop(): Promise<void> {
    return this.#tasks.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
