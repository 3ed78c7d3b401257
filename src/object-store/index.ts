/** An object store as S3 has it, in memory: the server, what both ends agree on, and how large requests are. */
export { ObjectStoreServer, type StoreOptions } from './server.js';
export { bucketOf, keyOf, STORE_NAME, STORE_REGION, type Account, type StoreAccess } from './objects.js';
