/** Work during which something has to be open that is closed afterwards, whatever happens. */

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Works, then closes.
 * @throws what the work throws, else what closing throws; with both messages if both fail
 */
export async function during<T>(work: () => Promise<T>, close: () => Promise<void>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    try {
      await close();
    } catch (closing) {
      throw new Error(`${messageOf(error)}\n${messageOf(closing)}`, { cause: closing });
    }
    throw error;
  }
  await close();
  return result;
}
