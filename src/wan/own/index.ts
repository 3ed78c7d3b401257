/** What a node uses that joins from a network namespace of its own. */
export { findMeshAddress, type MeshAddress, type MeshAddressQuestion } from './mesh-address.js';
export { OwnTunnel, type OwnTunnelOptions } from './own-tunnel.js';
export { OwnAccess, type OwnAccessOptions } from './own-access.js';
