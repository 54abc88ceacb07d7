// The tracker's settings and calls. docs/tracker.md describes them.

export interface ClicksConfig {
  /** Where the tracker sends clicks: an absolute URL, or a path that begins with `/`. */
  endpoint: string;
  itemField?: string;
  itemAttribute?: string;
  userId?: string | number;
  pageviews?: boolean;
  links?: boolean;
  sessions?: boolean;
  /** Seconds that a click may wait for others. */
  wait?: number;
  consent?: 'required' | 'strict' | false;
  gpc?: 'strip' | 'refuse' | 'ignore';
  autocapture?: boolean;
}

export type Properties = Record<string, string | number | boolean | null>;

export interface Clicks {
  /** Your own id of the visitor, for all further clicks. */
  userId: string | number | undefined;
  track(itemId: string | number, properties?: Properties): void;
  event(type: string, properties?: Properties): void;
  optIn(): void;
  optOut(): void;
  status(): 'on' | 'off' | 'waiting';
}

/** Start the tracker, in a browser. Once it runs, further calls return it and change nothing. */
export function start(config: ClicksConfig): Clicks;

declare global {
  interface Window {
    clicks?: Clicks;
  }
}
