// Adds up the reports of several test runs, one line for each, and ends with "N passed, N failed".
// Fails when a test failed or a report holds no test at all.

import fs from 'node:fs';

/** Counts one report; a file that could not be loaded counts as one failed test. */
function countReport(file) {
  const { testResults } = JSON.parse(fs.readFileSync(file, 'utf8'));
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, assertionResults } of testResults) {
    for (const test of assertionResults) {
      if (test.status === 'passed') count.passed++;
      else if (test.status === 'failed') count.failed++;
      else count.skipped++;
    }
    const explained = assertionResults.some((test) => test.status === 'failed');
    if (status === 'failed' && !explained) count.failed++;
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
