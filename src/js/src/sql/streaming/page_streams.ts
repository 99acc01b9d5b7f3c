/** What a page does for the streams of its session: it writes some, reads sources for others, and takes what sinks get. */
import type { Wire } from '../../cluster/connection.js';
import type { FromDriver } from '../../protocol.js';
import type { DataFrame } from '../dataframe.js';
import { PageSinks } from './foreach.js';
import { PageReaders } from './page_reader.js';
import { PushSources } from './push.js';
import { PageRuns } from './runs.js';

/** The page's ends of a session's streams. @internal */
export class PageStreams {
  readonly sources: PushSources;
  readonly readers: PageReaders;
  readonly sinks: PageSinks;
  readonly runs = new PageRuns();

  constructor(wire: Wire, dataFrameOf: (arrow: Uint8Array[]) => DataFrame) {
    this.sources = new PushSources(wire);
    this.readers = new PageReaders(wire);
    this.sinks = new PageSinks(wire, dataFrameOf);
  }

  /** Takes what the driver says of these streams; returns false for what is of none of them. */
  receive(message: FromDriver): boolean {
    switch (message.t) {
      case 'listener':
        if (message.eventType === 'terminated') this.runs.ended((message.event as { runId: string }).runId);
        // Others hear of it, too.
        return false;
      case 'credit':
        this.sources.receive(message);
        return true;
      case 'openSource':
      case 'sourceCredit':
      case 'closeSource':
        this.readers.receive(message);
        return true;
      case 'foreachBatch':
        this.sinks.receive(message);
        return true;
      default:
        return false;
    }
  }

  /** Ends what the page writes and reads. */
  stop(): void {
    this.sources.stop();
    this.readers.stop();
  }
}
