import { ask } from "./ask.ts";
import type { Side } from "./peers.ts";

/** Asks one member of a side by its JSON gateway. Throws on what it refuses.
 *  @param path Below /v3/. */
export async function askMember(side: Side, member: number, path: string, body: object): Promise<unknown> {
  const { name, endpoints, authorityPem } = side;
  const answer = await ask(`${endpoints[member]}/v3/${path}`, { authorityPem, body });
  if (answer.status !== 200) throw new Error(`${name} refuses ${path}: ${answer.body}`);
  return JSON.parse(answer.body);
}
