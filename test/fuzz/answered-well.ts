import assert from "node:assert/strict";
import type { TestAnswer } from "../../controlplane/apiserver/testing.ts";

/** A few of Kubernetes' refusals have the code of a fault, and no reason (a resourceVersion of a GET that is no number); what is
 *  a fault has one, in whichever form it is told. */
const isKubernetesOwn = ({ code, text }: TestAnswer) => code === 500 && !text.includes("InternalError");

/** Fails for an answer that is a fault of the server, or a refusal that does not say what is wrong. */
export function assertAnsweredWell(answer: TestAnswer, about = ""): void {
  const { code, text } = answer;
  // The server runs in this process: a name such as __proto__ must be a name like any other.
  assert.deepEqual(Object.keys(Object.prototype), [], about);
  assert.ok(
    code < 500 || code === 501 || code === 504 || isKubernetesOwn(answer),
    `${code} ${text} ${about}`,
  );
  if (code >= 400) saysWhat(answer);
}

function saysWhat({ code, headers: said, text: answered, body: status }: TestAnswer): void {
  // Whether a client's idea of a document holds is told by the code alone, as Go's file server does.
  if (code !== 412) assert.ok(answered.length > 0, `${code} with nothing`);
  if (!/application\/json/.test(String(said["content-type"])) || status?.kind !== "Status") return;
  assert.deepEqual([status.status, status.code], ["Failure", code]);
  assert.ok(status.message.length > 0, answered);
}
