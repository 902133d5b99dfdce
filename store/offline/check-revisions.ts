import { latin1 } from "../../base/wire.ts";
import type { Backend } from "../backend/backend.ts";
import { decodeKeyValue } from "../mvcc/key-value.ts";

/** More of them say nothing new. */
const problemsMax = 20;

/** What a key's rows must go on from. */
interface Former {
  readonly version: number;
  readonly createRevision: number;
}

/** Compares each revision with its own place and with the one of the same key before it. Answers what is wrong, the first few;
 *  rejects with BackendError where rows cannot be read. */
export async function checkRevisions(backend: Backend): Promise<readonly string[]> {
  const problems: string[] = [];
  const formers = new Map<string, Former>();
  await backend.visitRevisions(({ main, sub, deletion, bytes, start, end }) => {
    if (problems.length >= problemsMax) return;
    const problem = (what: string) => problems.push(`revision ${main}.${sub}: ${what}`);
    const kv = decodeKeyValue(bytes.subarray(start, end));
    const key = latin1(kv.key);
    const former = formers.get(key);
    if (deletion) {
      formers.delete(key);
      return;
    }
    const { modRevision, createRevision, version } = kv;
    formers.set(key, { version, createRevision });
    if (modRevision !== main) problem(`the row is of revision ${modRevision}`);
    if (createRevision > main) problem(`its key was made later, at ${createRevision}`);
    if (former === undefined) return;
    if (version !== former.version + 1) problem(`version ${version} follows ${former.version}`);
    if (createRevision !== former.createRevision)
      problem(`its key was made at ${createRevision}, and before at ${former.createRevision}`);
  });
  return problems;
}
