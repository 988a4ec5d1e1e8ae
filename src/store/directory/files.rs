//! What a data directory holds, by name.

/// The database. It is the last that moves, so where it is, everything is.
pub const DATABASE: &str = "tollkeeper.db";
/// What is committed and not yet in the database's file.
pub const WRITE_AHEAD_LOG: &str = "tollkeeper.db-wal";
/// The index of that log, for the processes that have the database open.
pub const SHARED_MEMORY: &str = "tollkeeper.db-shm";
/// What a write of a database without a write-ahead log would undo.
pub const ROLLBACK_JOURNAL: &str = "tollkeeper.db-journal";
/// A database that is being made.
pub const NEW_DATABASE: &str = "tollkeeper.db.new";
/// What SQLite puts beside it.
pub const NEW_DATABASE_JOURNAL: &str = "tollkeeper.db.new-journal";
/// A copy of the database on which a migration is tried.
pub const MIGRATION_TRIAL: &str = "migration-trial.db";
/// Says that a database was here.
pub const MARKER: &str = "initialized";
/// The key of the audit chain.
pub const AUDIT_KEY: &str = "audit.key";
/// The key of a chain that is about to begin.
pub const NEXT_AUDIT_KEY: &str = "audit.key.next";
/// The head of the audit log as it was seen last.
pub const AUDIT_ANCHOR: &str = "audit-anchor";
/// What was taken away while the database could not be written, and space for it.
pub const REVOCATIONS: &str = "revocations";
/// The key of the first start.
pub const INITIAL_KEY: &str = "initial-key";
/// Secrets of virtual keys that were rotated and not handed out yet.
pub const ROTATED_KEYS: &str = "rotated-keys";
/// The API for whoever may open it.
pub const CONTROL_SOCKET: &str = "control.sock";
/// The same for a command that holds the directory while no server does.
pub const COMMAND_SOCKET: &str = "command.sock";
/// Backups, and copies made before a migration.
pub const BACKUPS: &str = "backups";
/// What became of the last backups.
pub const BACKUP_STATE: &str = "backup-state";
/// Backups in plain, while one is made or tried out.
pub const BACKUP_WORK: &str = "backup-work";
/// How the database was left by the last process that had it.
pub const CLEAN_STOP: &str = "clean-stop";
/// The lock by which one process owns everything.
pub const LOCK: &str = "tollkeeper.lock";
/// A restore that is under way.
pub const RESTORE: &str = "restore";
/// What was there before restores.
pub const BEFORE_RESTORE: &str = "before-restore";
/// What became of the last restore.
pub const RESTORED: &str = "restored";
/// The folder that everything lies in where the directory itself can't be closed to others.
pub const PRIVATE: &str = "private";
/// Every volume has it, and it is root's.
pub const LOST_FOUND: &str = "lost+found";

/// What we put into a directory.
pub const OURS: [&str; 26] = [
    AUDIT_ANCHOR,
    AUDIT_KEY,
    BACKUP_STATE,
    BACKUP_WORK,
    BACKUPS,
    BEFORE_RESTORE,
    CLEAN_STOP,
    COMMAND_SOCKET,
    CONTROL_SOCKET,
    DATABASE,
    INITIAL_KEY,
    LOCK,
    LOST_FOUND,
    MARKER,
    MIGRATION_TRIAL,
    NEW_DATABASE,
    NEW_DATABASE_JOURNAL,
    NEXT_AUDIT_KEY,
    PRIVATE,
    RESTORE,
    RESTORED,
    REVOCATIONS,
    ROLLBACK_JOURNAL,
    ROTATED_KEYS,
    SHARED_MEMORY,
    WRITE_AHEAD_LOG,
];
