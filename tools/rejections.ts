import { setImmediate as turn } from "node:timers/promises";

/**
 * Runs `body` and gathers the promises that nobody handles meanwhile. The SDK reports a failed resource by such a
 * rejection, once for every resource that depends on it; left alone, each would end the process.
 */
export async function collectRejections<T>(body: () => Promise<T>): Promise<{ result: T; rejections: unknown[] }> {
    const rejections: unknown[] = [];
    // Others (a test runner, for one) would take the rejections for failures of their own.
    const others = process.listeners("unhandledRejection");
    const collect = (reason: unknown) => {
        rejections.push(reason);
    };
    process.removeAllListeners("unhandledRejection").on("unhandledRejection", collect);
    try {
        const result = await body();
        // Rejections are reported after the microtasks of the turn in which they happened.
        await turn();
        await turn();
        return { result, rejections };
    } finally {
        process.off("unhandledRejection", collect);
        others.forEach((listener) => process.on("unhandledRejection", listener));
    }
}
