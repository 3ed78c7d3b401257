import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { headComment } from '../../../scripts/protocols/head-comment.js';
import { PROJECT } from '../../support/meshbeat.js';

it('takes the comment at the head of a file, by paragraphs', () => {
  const yaml =
    '# One line\n# and its end.\n#\n#  What to look for: this,\n# and that.\nname: x # not this\n# nor this\n';
  expect(headComment(yaml)).toEqual(['One line and its end.', 'What to look for: this, and that.']);
  expect(headComment('name: x\n# late\n')).toEqual([]);
  expect(headComment('# only')).toEqual(['only']);
  expect(headComment('')).toEqual([]);
});

const scenarios = ['', 'background/', 'wan/'].flatMap((folder) =>
  readdirSync(join(PROJECT, 'scenarios', folder))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => folder + file),
);

it.each(scenarios)('%s says what it is and what to look for', (file) => {
  const [first = '', ...others] = headComment(readFileSync(join(PROJECT, 'scenarios', file), 'utf8'));
  expect(first).toMatch(/\.$/);
  expect(others.join('\n')).toMatch(/^What to look for: .*\.$/ms);
});
