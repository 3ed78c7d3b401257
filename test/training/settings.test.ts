/** What training is told of a scenario. */
import { describe, expect, it } from 'vitest';
import { scenarioSchema } from '../../src/scenario/schema.js';
import { trainingSettingsOf } from '../../src/training/settings.js';

function settingsOf(protocol: object) {
  const genres = ['fiction', 'news', 'humor', 'lore'];
  const nodes = genres.map((genre, i) => ({ name: `n${i}`, region: 'us-east', uplink: '1 Gbit/s', genre }));
  const data = { shards: 'genres' };
  return trainingSettingsOf(
    scenarioSchema.parse({ name: 'small', rounds: 1, protocol, pace: '1 s', data, nodes }),
  );
}

describe('trainingSettingsOf', () => {
  it('gives each rank a share of the text where each holds the whole model', () => {
    const { data, pipeline } = settingsOf({ kind: 'ddp' });
    expect(data.genres).toEqual(['fiction', 'news', 'humor', 'lore']);
    expect(pipeline).toBeUndefined();
  });

  it('gives each pipeline a share, that of its first rank', () => {
    const cut = { kind: 'pipeline', schedule: 'interleaved', stages: 2, chunks: 2, microbatches: 4 };
    const { data, pipeline } = settingsOf(cut);
    expect(data.genres).toEqual(['fiction', 'humor']);
    expect(pipeline).toEqual({ stages: 4, microbatches: 4, replicas: 2, activations: { kind: 'none' } });
  });
});
