/** Lines of a log on stderr, for commands that run unattended. */

/** A log that leaves out a line that is the same as the one before. */
export function startLog(): (line: string) => void {
  let last: string | undefined;
  return (line) => {
    if (line !== last) process.stderr.write(`${line}\n`);
    last = line;
  };
}
