import { strict as assert } from "node:assert";
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { completionScripts } from "./scripts.ts";
import { TypedShell } from "./testing/typed-shell.ts";

const has = (program: string): boolean => {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

/** What a hostile cluster could have as names and notes. */
const hostile = [
  "$(touch pwned)",
  "`touch pwned`",
  "po;touch$IFS'pwned';",
  "pod'|touch pwned|'",
  "po$(touch pwned)\tnote",
  "pods\t$(touch pwned) `touch pwned` $(($(touch pwned)))",
].join("\n");

/** In place of pintle: writes down what it is asked, and answers what the test says; called otherwise, writes its words down. */
const stand = `#!/bin/sh
if [ "$1" = __complete ]; then shift; file=asked; else file=ran; fi
{ for word in "$@"; do printf '<%s>' "$word"; done; echo; } >>"$STAND/$file"
[ "$file" = ran ] || cat "$STAND/answer"
`;

describe("completion in shells", function () {
  this.timeout(60_000);
  let folder: string;
  let env: Record<string, string>;
  let shell: TypedShell | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-completion-"));
    writeFileSync(join(folder, "pintle"), stand, { mode: 0o755 });
    for (const [name, text] of Object.entries(completionScripts)) writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, "web file.yaml"), "");
    env = {
      PATH: `${folder}:${process.env.PATH}`,
      STAND: folder,
      HOME: folder,
      HISTFILE: "",
      LC_ALL: "C.UTF-8",
    };
  });
  afterEach(async () => {
    await shell?.end();
    shell = undefined;
    rmSync(folder, { recursive: true });
  });

  const answers = (text: string) => writeFileSync(join(folder, "answer"), text);
  const lines = (file: string) =>
    existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8").trim().split("\n") : [];

  const terminals = {
    bash: (dir: string) => `cd '${dir}'; exec bash --rcfile rc -i`,
    zsh: (dir: string) => `cd '${dir}'; ZDOTDIR='${dir}' exec zsh -i`,
  } as const;
  const startFiles = {
    bash: [
      "rc",
      'PS1="<ready>"\nbind "set bell-style none"\nbind "set enable-bracketed-paste off"\nsource bash\n',
    ],
    zsh: [
      ".zshrc",
      "PS1='<ready>'; unsetopt zle_bracketed_paste prompt_cr prompt_sp; autoload -U compinit; compinit -u -D; source ./zsh\n",
    ],
  } as const;

  /** Types each line, with tabs in it, into a new shell. */
  const typed = async (name: keyof typeof terminals, ...keys: readonly string[]) => {
    const [file, text] = startFiles[name];
    writeFileSync(join(folder, file), text);
    shell = new TypedShell(terminals[name](folder), env);
    await shell.until("<ready>");
    await typeLines(shell, keys);
  };

  /** A list of answers shows the prompt again, so that only a later command's output tells that all is done. */
  const typeLines = async (into: TypedShell, keys: readonly string[]) => {
    for (const line of [...keys, "echo done-$((6 * 7))"]) into.type(`${line}\r`);
    await into.until("done-42");
  };

  for (const name of ["bash", "zsh"] as const)
    describe(name, () => {
      before(function () {
        if (!has(name) || !has("script")) this.skip();
      });

      it("asks with the words before the cursor and puts the only answer in", async () => {
        answers("deployment/web\tDeployment\n:4\n");
        await typed(name, "pintle why -n 'my space' dep\t");
        assert.deepEqual(lines("ran"), ["<why><-n><my space><deployment/web>"]);
        const [asked] = lines("asked");
        assert.match(asked ?? "", /^<why><-n><'?my space'?><dep>$/);
      });

      it("completes the value behind = and :", async () => {
        answers("--output=json\n:4\n");
        await typed(name, "pintle get --output=j\t", "pintle get --output=\t");
        assert.deepEqual(lines("asked"), ["<get><--output=j>", "<get><--output=>"]);
        assert.deepEqual(lines("ran"), ["<get><--output=json>", "<get><--output=json>"]);
      });

      it("completes names with colons", async () => {
        answers("clusterrole/system:node\n:4\n");
        await typed(name, "pintle get clusterrole/system:n\t");
        assert.deepEqual(lines("ran"), ["<get><clusterrole/system:node>"]);
      });

      it("leaves no space behind a word that goes on", async () => {
        answers("--output=jsonpath=\n:6\n");
        await typed(name, "pintle get --output=jsonp\tx");
        assert.deepEqual(lines("ran"), ["<get><--output=jsonpath=x>"]);
      });

      it("completes files where the answer says so, and none where not", async () => {
        answers(":0\n");
        await typed(name, "pintle apply -f w\t");
        assert.deepEqual(lines("ran"), ["<apply><-f><web file.yaml>"]);
        answers(":4\n");
        if (shell !== undefined) await typeLines(shell, ["pintle apply -f w\t"]);
        assert.deepEqual(lines("ran").at(-1), "<apply><-f><w>");
      });

      it("evaluates nothing of names and notes", async () => {
        answers(`${hostile}\n:4\n`);
        await typed(name, "pintle get p\t\t", "pintle get pod\t");
        assert.ok(lines("asked").length >= 2);
        assert.equal(existsSync(join(folder, "pwned")), false);
      });
    });

  describe("fish", () => {
    before(function () {
      if (!has("fish")) this.skip();
    });

    const completions = async (line: string) => {
      const text = `source ${join(folder, "fish")}; complete -C $argv[1]`;
      const { stdout } = await promisify(execFile)("fish", ["--no-config", "-c", text, line], {
        cwd: folder,
        env,
      });
      return stdout.split("\n").filter((one) => one !== "");
    };

    it("asks with the words before the cursor and offers the answers with their notes", async () => {
      answers("deployment/web\tDeployment\n:4\n");
      assert.deepEqual(await completions("pintle why -n 'my space' dep"), ["deployment/web\tDeployment"]);
      assert.deepEqual(lines("asked"), ["<why><-n><my space><dep>"]);
      assert.deepEqual(await completions("pintle why "), ["deployment/web\tDeployment"]);
      assert.deepEqual(lines("asked").at(-1), "<why><>");
    });

    it("completes files where the answer says so, and none where not", async () => {
      answers(":0\n");
      assert.deepEqual(await completions("pintle apply -f w"), ["web file.yaml"]);
      assert.deepEqual(await completions("pintle apply --filename=w"), ["--filename=web file.yaml"]);
      answers(":4\n");
      assert.deepEqual(await completions("pintle apply -f w"), []);
    });

    it("evaluates nothing of names and notes", async () => {
      answers(`${hostile}\n:4\n`);
      assert.ok((await completions("pintle get p")).length > 0);
      assert.equal(existsSync(join(folder, "pwned")), false);
    });
  });
});
