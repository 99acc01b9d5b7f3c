const FOLDER = 'rivulet-spill';

/**
 * Opens the spill file of this worker (named by its lock), and removes those of workers that are gone: a file whose lock
 * nobody holds belongs to nobody. Undefined where the browser has no origin private file system.
 */
export async function openSpill(lock: string): Promise<FileSystemSyncAccessHandle | undefined> {
  try {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle(FOLDER, { create: true });
    await removeOrphans(folder, lock);
    const file = await folder.getFileHandle(fileName(lock), { create: true });
    const handle = await file.createSyncAccessHandle();
    handle.truncate(0);
    return handle;
  } catch {
    return undefined;
  }
}

async function removeOrphans(folder: FileSystemDirectoryHandle, own: string): Promise<void> {
  const held = new Set((await navigator.locks.query()).held?.map((lock) => fileName(lock.name ?? '')));
  held.add(fileName(own));
  for await (const name of folder.keys()) {
    if (!held.has(name)) await folder.removeEntry(name).catch(() => {});
  }
}

function fileName(lock: string): string {
  return encodeURIComponent(lock);
}
