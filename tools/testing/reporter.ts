import { writeFileSync } from "node:fs";
import { reporters, type MochaOptions, type Runner } from "mocha";
import { isObject } from "../json";

/** Shows tests as they run and, at the end, writes how many there were into the file that the option `output` names. */
class CountingReporter extends reporters.Spec {
    constructor(runner: Runner, options: MochaOptions) {
        super(runner, options);
        // mocha would die at once, and leave behind what the "after" hooks take away.
        const abort = () => void runner.abort();
        process.once("SIGINT", abort).once("SIGTERM", abort);
        const skipped: string[] = [];
        runner.on("pending", (test) => skipped.push(test.fullTitle()));
        runner.once("end", () => {
            const settings: unknown = options.reporterOptions;
            const file = isObject(settings) ? settings["output"] : undefined;
            if (typeof file === "string") {
                const { passes, failures } = this.stats;
                writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped }));
            }
        });
    }
}

export = CountingReporter;
