// What only workers have, beside the DOM library that the page's half needs.
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}
