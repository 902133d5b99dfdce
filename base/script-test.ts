import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Behaviour tests as text: each file in `folder` ending in .txt is one mocha test. A file is a row of paragraphs; a
 *  paragraph is a command line (lines before it starting with # are comments), `----`, and the text it must answer.
 *  `REWRITE=1` writes the answers into the files instead of comparing them; the diff is then read by a person.
 *  @param start makes a fresh world for one file; it answers commands. */
export function runScripts(folder: string, start: () => (command: string) => string | Promise<string>): void {
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".txt"))) {
    it(name.replace(/\.txt$/, "").replaceAll("-", " "), async () => {
      const path = join(folder, name);
      const before = readFileSync(path, "utf8");
      const run = start();
      const paragraphs: string[] = [];
      for (const paragraph of before.split(/\n\n+/).filter((text) => text.trim() !== "")) {
        const [question = ""] = paragraph.split(/^----$/m);
        const lines = question.trim().split("\n");
        const command = lines.filter((line) => !line.startsWith("#")).join("\n");
        if (command === "") {
          paragraphs.push(lines.join("\n"));
          continue;
        }
        const answer = (await run(command)).trimEnd();
        paragraphs.push(`${lines.join("\n")}\n----\n${answer === "" ? "ok" : answer}`);
      }
      const after = `${paragraphs.join("\n\n")}\n`;
      if (process.env.REWRITE === "1") writeFileSync(path, after);
      else assert.equal(after, before);
    });
  }
}
