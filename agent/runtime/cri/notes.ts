import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../../base/os/make-folder.ts";
import type { RuntimeContainer } from "../seam.ts";
import { readOptional, writeRecord } from "../supervised/records.ts";
import { isTexts } from "./kept.ts";

type Annotations = Readonly<Record<string, string>>;

/** What containers were annotated with as they ran: the runtime keeps only what they were made with. */
export class ContainerNotes {
  readonly #dir: string;
  readonly #notes = new Map<string, Annotations>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  async open(): Promise<void> {
    await makeFolder(this.#dir, 0o700);
    for (const id of await readdir(this.#dir)) {
      const text = await readOptional(join(this.#dir, id));
      const notes: unknown = id.endsWith(".new") || text === undefined ? undefined : JSON.parse(text);
      if (isTexts(notes)) this.#notes.set(id, notes);
    }
  }

  async add(id: string, annotations: Annotations): Promise<void> {
    const all = { ...this.#notes.get(id), ...annotations };
    await writeRecord(join(this.#dir, id), all);
    this.#notes.set(id, all);
  }

  async remove(id: string): Promise<void> {
    if (this.#notes.delete(id)) await rm(join(this.#dir, id), { force: true });
  }

  apply(container: RuntimeContainer): RuntimeContainer {
    const notes = this.#notes.get(container.id);
    return notes === undefined
      ? container
      : { ...container, annotations: { ...container.annotations, ...notes } };
  }
}
