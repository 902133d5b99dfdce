import { ask } from "./ask.ts";
import type { Side } from "./peers.ts";

/** Has a side forget all revisions before its last, and waits until their rows are gone. */
export async function compact({ name, endpoints: [endpoint = ""], authorityPem }: Side): Promise<void> {
  const key = Buffer.from("bench/").toString("base64");
  const { header } = (await call("range", { key })) as { readonly header: { readonly revision: string } };
  await call("compaction", { revision: header.revision, physical: true });

  async function call(method: string, body: object): Promise<unknown> {
    const answer = await ask(`${endpoint}/v3/kv/${method}`, { authorityPem, body });
    if (answer.status !== 200) throw new Error(`${name} refuses ${method}: ${answer.body}`);
    return JSON.parse(answer.body);
  }
}
