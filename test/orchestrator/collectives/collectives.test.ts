import { collectives } from '../../../orchestrator/collectives/index.js';
import { describeCollective } from './compliance.js';

for (const [name, collective] of Object.entries(collectives)) describeCollective(name, collective);
