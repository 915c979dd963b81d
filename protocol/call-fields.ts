/** What became of the calls of one function of the driver; the calls that it refused count nowhere. */
import type { Field } from './spec.js';

export const callFields: readonly Field[] = [
  { name: 'passed', type: 'u64', doc: 'Went through the gate without waiting.' },
  { name: 'gated', type: 'u64', doc: 'Waited at the gate.' },
  {
    name: 'bypassed',
    type: 'u64',
    doc: 'Reached the driver without the gate: what is never held back, or has no queue.',
  },
  { name: 'captured', type: 'u64', doc: 'Went into a graph that was being captured.' },
  { name: 'unknown', type: 'u64', doc: 'The shim does not know the function.' },
];
