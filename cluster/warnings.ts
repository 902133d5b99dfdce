import { describeError, type FieldsOrMaker, type Log } from "../base/os/log.ts";
import { ApiError, ConnectionError } from "../client/api-error.ts";

/** So many different ones are kept, the newest. */
const keptMost = 100;
const toldMost = 5;
const toldCharsMost = 500;

interface Kept {
  readonly text: string;
  count: number;
}

/** What a test's own controllers, caches and candidates warned of: told where a wait was in vain, as it mostly says why. Equal ones
 *  are counted. */
export class Warnings {
  readonly #kept = new Map<string, Kept>();

  /** The same log, whose warnings and errors are kept, too. */
  keptOf(log: Log, name: string): Log {
    const keep = (message: string, fields?: FieldsOrMaker) => this.#keep(`${name}: ${message}`, fields);
    return {
      debug: (message, fields) => log.debug(message, fields),
      info: (message, fields) => log.info(message, fields),
      warn: (message, fields) => {
        keep(message, fields);
        log.warn(message, fields);
      },
      error: (message, fields) => {
        keep(message, fields);
        log.error(message, fields);
      },
      child: (component, fields) => this.keptOf(log.child(component, fields), `${name}.${component}`),
    };
  }

  /** The newest, the last one last, each in a line of its own. */
  told(): readonly string[] {
    return [...this.#kept.values()]
      .slice(-toldMost)
      .map(({ text, count }) => `  ${text}${count > 1 ? ` (${count} times)` : ""}`);
  }

  #keep(message: string, given: FieldsOrMaker = {}): void {
    const { error, failures: _, ...fields } = typeof given === "function" ? given() : given;
    const words = Object.entries(fields).map(([name, value]) => ` ${name}=${describeError(value)}`);
    const why = error === undefined ? "" : `: ${describeError(error)}${placeOf(error)}`;
    const text = `${message}${words.join("")}${why}`.replaceAll("\n", "\n  ").slice(0, toldCharsMost);
    const count = (this.#kept.get(text)?.count ?? 0) + 1;
    this.#kept.delete(text);
    this.#kept.set(text, { text, count });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > keptMost && oldest !== undefined) this.#kept.delete(oldest);
  }
}

/** Of an error that is no answer, where it was thrown: mostly in the test's own code. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error) || error instanceof ApiError || error instanceof ConnectionError) return "";
  const frame = /^ {4}at .+$/m.exec(error.stack ?? "")?.[0];
  return frame === undefined ? "" : `\n  ${frame.trimEnd()}`;
}
