/** Runs a benchmark with what stands behind its name on the command line. What it throws is said on standard error, and the process
 *  then ends with 1. */
export async function asCommand(main: (argv: readonly string[]) => Promise<void>): Promise<void> {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
