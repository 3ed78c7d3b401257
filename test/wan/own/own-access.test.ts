import { netnsFeasibility } from '../../../src/wan/netns/feasible.js';
import { all, root, tools } from '../../support/needs.js';
import { describeIf } from '../../support/requires.js';
import { fabricCompliance } from '../compliance.js';
import { OwnFabric } from './own-fabric.js';

const feasibility = netnsFeasibility();
const obstacle = all(
  feasibility.way === 'none' ? feasibility.missing : root(),
  tools('tcpdump', 'nsenter', 'setpriv'),
);

describeIf(obstacle, 'nodes in namespaces that others made', () => {
  fabricCompliance('own namespaces', (options) => OwnFabric.create(options));
});
