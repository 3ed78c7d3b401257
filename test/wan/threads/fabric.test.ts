/** The threads fabric keeps what every fabric keeps. */
import { createThreadsFabric } from '../../../src/wan/threads/index.js';
import { fabricCompliance } from '../compliance.js';

fabricCompliance('threads', createThreadsFabric);
