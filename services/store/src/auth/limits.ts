/** Every bound of users, roles and tokens. */
export const authLimits = {
  /** Bytes (UTF-8) of the name of a user or role, and of a password. etcd has no such bounds. */
  nameBytesMax: 1_024,
  passwordBytesMax: 4_096,
  /** etcd has no such bounds either. All users and roles are held in memory by every member. */
  usersMax: 16_384,
  rolesMax: 16_384,
  rolesPerUserMax: 1_024,
  permissionsPerRoleMax: 1_024,
  /** How long a token lives that nobody uses; etcd's default. */
  tokenTtlMs: 300_000,
  /** Tokens that one member knows; beyond it the one that was not used for longest goes. */
  tokensMax: 65_536,
} as const;
