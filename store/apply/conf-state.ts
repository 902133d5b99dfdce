import { text, utf8 } from "../../base/wire.ts";
import type { Backend } from "../backend/backend.ts";
import type { ConfState } from "../raft/types.ts";

/** etcd's name in the meta bucket; the value is JSON with 64-bit numbers, which JSON.stringify cannot say. */
const confStateKey = "confState";

export function writeConfState(backend: Backend, conf: ConfState): void {
  const lists = (["voters", "learners"] as const)
    .filter((name) => conf[name].length > 0)
    .map((name) => `"${name}":[${conf[name].join(",")}],`);
  backend.put("meta", confStateKey, utf8(`{${lists.join("")}"auto_leave":false}`));
}

/** Empty where none was saved yet. */
export function readConfState(backend: Backend): ConfState {
  const bytes = backend.get("meta", confStateKey);
  const json = bytes === undefined ? "" : text(bytes);
  const ids = (name: string): bigint[] => {
    const list = new RegExp(`"${name}":\\[([\\d,]*)\\]`).exec(json)?.[1] ?? "";
    return list === "" ? [] : list.split(",").map(BigInt);
  };
  return { voters: ids("voters"), learners: ids("learners") };
}
