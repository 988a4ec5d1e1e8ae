// The shapes of answers about the server itself, for the type checker. Nothing here runs.

/**
 * @typedef {object} Backup
 * @property {string} name
 * @property {string} made_at
 * @property {"asked" | "scheduled"} origin
 * @property {number} bytes
 * @property {boolean} sound
 * @property {boolean} encrypted
 */
/** @typedef {{ name: string, at: string, passed: boolean, why?: string }} Drill */

/**
 * @typedef {object} Backups
 * @property {Backup[]} backups
 * @property {string} directory
 * @property {boolean} encrypted
 * @property {string} [next_at]
 * @property {{ name: string, at: string, bytes: number }} [last_good]
 * @property {{ at: string, why: string }} [last_failure]
 * @property {Drill} [last_drill]
 */

/**
 * @typedef {object} Setting
 * @property {string} name
 * @property {unknown} [value]
 * @property {"default" | "file" | "variable" | "flag"} origin
 * @property {string} [place]
 */

/** @typedef {{ settings: Setting[], needs_restart: string[] }} SettingList */

/** @typedef {{ code: string, message: string }} Finding */

/**
 * @typedef {object} ServerStatus
 * @property {string} version
 * @property {string} started_at
 * @property {boolean} ready
 * @property {Finding} [obstacle]
 * @property {Finding[]} warnings
 * @property {{ state: string, walked_at?: string }} audit
 * @property {{ last_good_at?: string, last_drill_at?: string, last_drill_passed?: boolean }} backups
 * @property {number} database_bytes
 * @property {number} log_bytes
 * @property {number} [disk_free_bytes]
 * @property {number} [disk_total_bytes]
 * @property {number} [open_files]
 * @property {number} [open_files_limit]
 * @property {number} [open_reservations]
 * @property {string} time_zone
 */

export {};
