import { readFileSync, statSync } from "node:fs";

/** What is made of some files, made again once one of them has changed on disk. Asking costs a look at each file's dates. */
export class FreshFiles<T> {
  readonly #paths: readonly string[];
  readonly #make: (contents: readonly Buffer[]) => T;
  #made: { readonly stamp: string; readonly value: T } | undefined;

  constructor(paths: readonly string[], make: (contents: readonly Buffer[]) => T) {
    this.#paths = paths;
    this.#make = make;
  }

  /** The same value until a file changes. Throws where a file cannot be read or nothing can be made of it, each time. */
  get(): T {
    const stamp = this.#paths.map(stampOf).join(" "); // before the files are read: what changes meanwhile is seen next time
    if (this.#made?.stamp !== stamp)
      this.#made = { stamp, value: this.#make(this.#paths.map((path) => readFileSync(path))) };
    return this.#made.value;
  }

  /** What was made last. */
  get last(): T | undefined {
    return this.#made?.value;
  }
}

function stampOf(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}
