// Adds up the reports of several test runs, one line for each, after all tests that failed with their
// reasons, and ends with "N passed, N failed". Fails when a test failed or a report holds no test at
// all.

import fs from 'node:fs';
import path from 'node:path';

/** More of a reason is not shown, in characters. */
const REASON_LENGTH = 2000;

function showFailure(file, name, reasons) {
  console.log(`FAILED ${path.relative('', file)}: ${name}`);
  for (const reason of reasons) {
    console.log(reason.slice(0, REASON_LENGTH).replace(/^/gm, '    '));
  }
}

/**
 * Counts one report and shows what failed; a file that could not be loaded counts as one failed
 * test.
 */
function countReport(file) {
  const { testResults } = JSON.parse(fs.readFileSync(file, 'utf8'));
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, status, message, assertionResults } of testResults) {
    for (const test of assertionResults) {
      if (test.status === 'passed') count.passed++;
      else if (test.status === 'failed') {
        count.failed++;
        showFailure(name, test.fullName, test.failureMessages);
      } else count.skipped++;
    }
    const explained = assertionResults.some((test) => test.status === 'failed');
    if (status === 'failed' && !explained) {
      count.failed++;
      showFailure(name, 'the file as a whole', [message]);
    }
  }
  return count;
}

function describeCount({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

const total = { passed: 0, failed: 0, skipped: 0 };
for (const file of process.argv.slice(2)) {
  // The shell leaves the pattern as it is when no run got as far as a report.
  const count = fs.existsSync(file) ? countReport(file) : { passed: 0, failed: 0, skipped: 0 };
  console.log(`${file} holds ${describeCount(count)}`);
  if (count.passed === 0 || count.failed > 0) process.exitCode = 1;
  for (const key of Object.keys(total)) total[key] += count[key];
}
console.log(describeCount(total));
