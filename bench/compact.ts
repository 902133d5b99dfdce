import type { Side } from "./peers.ts";

/** Has a side forget all revisions before its last, and waits until their rows are gone. */
export async function compact({ name, endpoints: [endpoint = ""] }: Side): Promise<void> {
  const key = Buffer.from("bench/").toString("base64");
  const { header } = (await ask("range", { key })) as { readonly header: { readonly revision: string } };
  await ask("compaction", { revision: header.revision, physical: true });

  async function ask(method: string, request: object): Promise<unknown> {
    const answer = await fetch(`${endpoint}/v3/kv/${method}`, {
      method: "POST",
      body: JSON.stringify(request),
    });
    if (!answer.ok) throw new Error(`${name} refuses ${method}: ${await answer.text()}`);
    return answer.json();
  }
}
