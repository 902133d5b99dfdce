import { parseGoDurationMs } from "../../base/os/flags.ts";
import { parseQuantity } from "../../base/quantity.ts";
import { shown } from "../../base/shown.ts";

/** What is wrong in a file is told as field, value and rule; reading goes on, so that all of it is told at once. */
export type Tell = (field: string, value: unknown, rule: string) => void;

type Fields = Readonly<Record<string, unknown>>;

/** One mapping of the file, with where it stands. What of it nobody asks for is refused at `end`. */
export class Section {
  readonly #at: string;
  readonly #fields: Fields;
  readonly #tell: Tell;
  readonly #asked = new Set<string>();

  constructor(value: unknown, at: string, tell: Tell) {
    this.#at = at;
    this.#tell = tell;
    const isMapping = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isMapping) tell(at, value, "is not a mapping");
    this.#fields = isMapping ? (value as Fields) : {};
  }

  has(name: string): boolean {
    return this.#value(name) !== undefined;
  }

  refuse(name: string, rule: string): void {
    this.#tell(this.path(name), this.#value(name), rule);
  }

  path(name: string): string {
    return this.#at === "" ? name : `${this.#at}.${name}`;
  }

  section(name: string): Section | undefined {
    const value = this.#value(name);
    return value === undefined ? undefined : new Section(value, this.path(name), this.#tell);
  }

  sections(name: string): readonly Section[] {
    const value = this.#value(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.refuse(name, "is not a list");
      return [];
    }
    return value.map((one, at) => new Section(one, `${this.path(name)}[${at}]`, this.#tell));
  }

  text(name: string): string | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    if (typeof value === "string" && value !== "" && !value.includes("\0")) return value;
    this.refuse(name, "is not a text");
    return undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.#value(name);
    if (value === undefined) return [];
    if (Array.isArray(value) && value.every((one) => typeof one === "string" && one !== "")) return value;
    this.refuse(name, "is not a list of texts");
    return [];
  }

  /** Texts by their names. */
  table(name: string): Readonly<Record<string, string>> {
    const value = this.#value(name) ?? {};
    const isTable =
      typeof value === "object" &&
      !Array.isArray(value) &&
      Object.values(value).every((one) => typeof one === "string");
    if (isTable) return value as Readonly<Record<string, string>>;
    this.refuse(name, "is not a mapping of texts");
    return {};
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#value(name) ?? fallback;
    if (typeof value === "boolean") return value;
    this.refuse(name, "is neither true nor false");
    return fallback;
  }

  choice<const T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const value = this.#value(name) ?? fallback;
    const found = choices.find((one) => one === value);
    if (found === undefined) this.refuse(name, `is none of ${choices.join(", ")}`);
    return found ?? fallback;
  }

  /** A whole number. */
  count(name: string, { fallback, min, max }: { fallback: number; min: number; max: number }): number {
    const value = this.#value(name) ?? fallback;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max)
      return value;
    this.refuse(name, `is not a whole number from ${min} to ${max}`);
    return fallback;
  }

  /** A quantity of bytes, such as 1Mi. */
  bytes(name: string, { fallback, min, max }: { fallback: number; min: number; max: number }): number {
    const value = this.#value(name) ?? fallback;
    const bytes = typeof value === "string" ? quantityOf(value) : value;
    if (typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes >= min && bytes <= max)
      return bytes;
    this.refuse(name, `is not a quantity of bytes, such as 1Mi, from ${min} to ${max}`);
    return fallback;
  }

  /** A span such as 30s. */
  span(name: string, { fallback, minMs, maxMs }: { fallback: number; minMs: number; maxMs: number }): number {
    const value = this.#value(name);
    const ms =
      value === undefined ? fallback : typeof value === "string" ? parseGoDurationMs(value) : undefined;
    if (ms !== undefined && (value === undefined || (ms >= minMs && ms <= maxMs))) return ms;
    this.refuse(name, `is not a time, such as 30s, from ${minMs / 1000} to ${maxMs / 1000} s`);
    return fallback;
  }

  /** Refuses what nobody asked for. */
  end(): void {
    for (const name of Object.keys(this.#fields))
      if (!this.#asked.has(name)) this.#tell(this.path(name), this.#fields[name], "is not known");
  }

  #value(name: string): unknown {
    this.#asked.add(name);
    const value = Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
    return value ?? undefined;
  }
}

function quantityOf(text: string): number | undefined {
  try {
    return parseQuantity(text);
  } catch {
    return undefined; // told by who asked
  }
}

/** What `Tell` says, as a line. */
export const problemText = (field: string, value: unknown, rule: string): string =>
  `${field}: ${shown(value)} ${rule}`;
