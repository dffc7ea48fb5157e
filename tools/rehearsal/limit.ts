/** Lets at most `places` pieces of work run at a time; the others wait for their turn, first come first served. */
export function limiter(places: number): <T>(work: () => Promise<T>) => Promise<T> {
    let free = places;
    const waiting: (() => void)[] = [];
    return async (work) => {
        if (free === 0) {
            await new Promise<void>((resolve) => waiting.push(resolve));
        } else {
            free -= 1;
        }
        try {
            return await work();
        } finally {
            const next = waiting.shift();
            if (next) {
                // The place goes from hand to hand.
                next();
            } else {
                free += 1;
            }
        }
    };
}
