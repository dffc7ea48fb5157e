/** A time span for people: `0.8 s`, `42 s`, `7 min 31 s`. */
export function formatDuration(milliseconds: number): string {
    const seconds = milliseconds / 1000;
    if (seconds < 9.95) {
        return `${seconds.toFixed(1)} s`;
    }
    const whole = Math.round(seconds);
    return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
