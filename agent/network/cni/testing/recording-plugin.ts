import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a plugin was asked. */
export interface Asked {
  readonly plugin: string;
  readonly environment: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as they like
  readonly input: any;
}

/** CNI plugins that write down what they are asked, and answer what a test wants. They run on perl, which starts fast. */
export class RecordingPlugins {
  readonly binDir: string;
  readonly #asked: string;
  readonly #answers: string;

  constructor(
    dir: string,
    types: readonly string[],
    versions: readonly string[] = ["0.4.0", "1.0.0", "1.1.0"],
  ) {
    this.binDir = join(dir, "bin");
    this.#asked = join(dir, "asked");
    this.#answers = join(dir, "answers");
    for (const folder of [this.binDir, this.#asked, this.#answers]) mkdirSync(folder, { recursive: true });
    for (const type of types) {
      writeFileSync(join(this.binDir, type), script(this.#asked, this.#answers));
      chmodSync(join(this.binDir, type), 0o755);
      this.answer(type, "VERSION", { cniVersion: "1.1.0", supportedVersions: versions });
    }
  }

  /** What a plugin says when it is asked this from now on; and with which exit status. */
  answer(type: string, command: string, answer: object | string, exitStatus = 0): void {
    const text = typeof answer === "string" ? answer : JSON.stringify(answer);
    writeFileSync(join(this.#answers, `${type}.${command}`), `${exitStatus}\n${text}`);
  }

  /** What all were asked since this was called last, in order; without their versions. */
  asked(): readonly Asked[] {
    const names = readdirSync(this.#asked).sort();
    const all = names.map((name): Asked => {
      const [words = "", input = ""] = readFileSync(join(this.#asked, name), "utf8").split("\n\n");
      rmSync(join(this.#asked, name));
      const pairs = words
        .split("\n")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
      const { SELF: plugin, ...environment } = Object.fromEntries(pairs) as Record<string, string>;
      return { plugin: plugin ?? "", environment, input: JSON.parse(input) };
    });
    return all.filter(({ environment }) => environment.CNI_COMMAND !== "VERSION");
  }

  /** As `asked`, in short: `bridge ADD`. */
  commands(): readonly string[] {
    return this.asked().map(({ plugin, environment }) => `${plugin} ${environment.CNI_COMMAND}`);
  }

  static get canRun(): boolean {
    return existsSync("/usr/bin/perl");
  }
}

const script = (asked: string, answers: string) => `#!/usr/bin/perl
use strict; use warnings; use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
my ($self) = $0 =~ m{([^/]+)$};
my $input = do { local $/; <STDIN> } // '';
my $name = sprintf '%s/%020.0f-%s', '${asked}', clock_gettime(CLOCK_MONOTONIC) * 1e9, $self;
open my $file, '>', $name or die; print $file "SELF=$self\\n", join("\\n", map { "$_=$ENV{$_}" } sort keys %ENV), "\\n\\n", $input; close $file;
open my $answer, '<', "${answers}/$self.$ENV{CNI_COMMAND}" or exit 0;
my $status = <$answer>; my $text = do { local $/; <$answer> } // '';
if ($text =~ /^hang/) { system 'sleep', '1000' }
print $text; exit $status;
`;
