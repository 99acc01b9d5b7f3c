// Writes files of the origin's private file system, in every browser.

/** What a worker does where only workers can write. */
const WRITER = `onmessage = async ({ data: [handle, text] }) => {
  const access = await handle.createSyncAccessHandle();
  access.truncate(0);
  access.write(new TextEncoder().encode(text), { at: 0 });
  access.close();
  postMessage(null);
};`;

/** Writes a file of a folder, in place of one that has its name. */
export async function writeText(folder, name, text) {
  const handle = await folder.getFileHandle(name, { create: true });
  if (handle.createWritable) {
    const stream = await handle.createWritable();
    await stream.write(text);
    return stream.close();
  }
  const worker = new Worker(URL.createObjectURL(new Blob([WRITER], { type: 'text/javascript' })));
  await new Promise((done, fail) => {
    worker.onmessage = done;
    worker.onerror = ({ message }) => fail(new Error(message));
    worker.postMessage([handle, text]);
  });
  worker.terminate();
}
