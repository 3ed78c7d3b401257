/** Where the test fixtures are, seen from the compiled tests. */
import { fileURLToPath } from 'node:url';

/** Path of a file under test/fixtures. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../../../test/fixtures/${name}`, import.meta.url));
}
