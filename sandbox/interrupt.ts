const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs `cleanup` when this process is told to end, and then lets it end as it would have without us.
 * Returns the function that takes the handlers away again.
 */
export function onInterrupt(cleanup: () => void): () => void {
    const dispose = () => signals.forEach((signal) => process.off(signal, handler));
    const handler = (signal: NodeJS.Signals) => {
        cleanup();
        dispose();
        // Having a listener switched the default off. Where the caller listens too, ending is the caller's business.
        if (process.listenerCount(signal) === 0) {
            process.kill(process.pid, signal);
        }
    };
    signals.forEach((signal) => process.on(signal, handler));
    return dispose;
}
