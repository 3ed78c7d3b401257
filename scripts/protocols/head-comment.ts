/**
 * The comment at the head of a scenario file: what it is and what to look for. The page says the same in the same
 * words, for there is one text only.
 */

/** Its paragraphs, each as one line; none if the file does not begin with a comment. */
export function headComment(yaml: string): string[] {
  const lines = yaml.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('#'));
  return lines
    .slice(0, end < 0 ? lines.length : end)
    .map((line) => line.replace(/^#\s?/, ''))
    .join('\n')
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s*\n\s*/g, ' ').trim())
    .filter((paragraph) => paragraph !== '');
}
