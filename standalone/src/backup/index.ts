export { ticketFile } from "./backups.ts";
export { BackupFault, type BackupManifest } from "./manifest.ts";
export { checkBackup, restoreBackup } from "./restore-backup.ts";
export { writeBackup } from "./write-backup.ts";
