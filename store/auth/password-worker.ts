import { randomBytes } from "node:crypto";
import { parentPort } from "node:worker_threads";
import { compareSync, encodeBase64, hashSync } from "bcryptjs";
import type { PasswordAnswer, PasswordTask } from "./password-thread.ts";

/** The thread that hashes passwords, one after the other. */
const saltBytes = 16;

/** The prefix is the one that etcd writes; both know both. */
function newSalt(cost: number): string {
  return `$2a$${String(cost).padStart(2, "0")}$${encodeBase64(randomBytes(saltBytes), saltBytes)}`;
}

function done(task: PasswordTask): string | boolean {
  if (task.kind === "hash") return hashSync(task.password, newSalt(task.cost));
  try {
    return compareSync(task.password, task.hash);
  } catch {
    return false; // what is kept is no hash, so no password fits
  }
}

parentPort?.on("message", (task: PasswordTask) => {
  parentPort?.postMessage({ id: task.id, result: done(task) } satisfies PasswordAnswer);
});
