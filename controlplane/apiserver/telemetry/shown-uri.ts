/** What a log says of a request's address and sender: nothing that could be taken for another line, nothing secret, and never
 *  much. */

const charactersMax = 1024;
/** Parameters whose values are nobody's business: credentials, and what is run in containers. */
const hidden = /([?&](?:access_token|id_token|token|password|command)=)[^&]*/gi;

/** Pure. */
export const shownUri = (url: string): string => bounded(url.replace(hidden, "$1-"));

/** Pure. */
export function bounded(text: string): string {
  const cut = text.length > charactersMax ? `${text.slice(0, charactersMax)}...TRUNCATED` : text;
  return cut.replaceAll(/[^\x20-\x7e]/g, "?");
}
