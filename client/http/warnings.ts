/** Warnings of one answer, and the length of each, at most. */
const warningsMost = 100;
const lengthMost = 4096;

/** `299 - "text"`, perhaps with a date: code, agent and quoted text. */
const form = /\s*(\d{3}) (?:[^\s",]+) "((?:[^"\\]|\\.)*)"(?: "[^"]*")?\s*(?:,|$)/y;

/** What a server says in `Warning` headers, which Kubernetes gives the code 299. What is no warning ends the reading. Pure. */
export function warningTexts(header: string | undefined): readonly string[] {
  if (header === undefined) return [];
  const texts: string[] = [];
  form.lastIndex = 0;
  for (
    let found = form.exec(header);
    found !== null && texts.length < warningsMost;
    found = form.exec(header)
  ) {
    const [, code, quoted = ""] = found;
    if (code === "299") texts.push(quoted.slice(0, lengthMost).replace(/\\(.)/g, "$1"));
  }
  return texts;
}
