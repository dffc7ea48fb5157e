import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { limiter } from "../../../tools/rehearsal/limit";
import { runSteps, type Display } from "../../../tools/steps";

describe("steps without a terminal", () => {
    const run = async (work: (report: (text: string) => void) => Promise<string | undefined>) => {
        const lines: string[] = [];
        const display: Display = { interactive: false, write: (line) => lines.push(line) };
        const after = { title: "After", work: () => Promise.resolve(undefined) };
        const error = await runSteps([{ title: "Build", work }, after], display).catch((error: unknown) => error);
        return { lines, error };
    };

    it("say what begins and what is done, and little in between", async () => {
        const { lines } = await run(async (report) => {
            for (let index = 0; index < 50; index++) {
                report(`part ${index}`);
                await sleep(1);
            }
            return "all parts";
        });
        assert.equal(lines.length, 4);
        assert.match(lines.join("\n"), /^Build …\n✔ Build: all parts \(0\.\d s\)\nAfter …\n✔ After \(0\.0 s\)$/);
    });

    it("end with the first one that fails", async () => {
        const broken = new Error("broken");
        const { lines, error } = await run(() => Promise.reject(broken));
        assert.equal(error, broken);
        assert.match(lines.join("\n"), /^Build …\n✖ Build \(0\.0 s\)$/);
    });
});

describe("the limit of work at a time", () => {
    it("holds, lets everything through, and survives failures", async () => {
        const limited = limiter(2);
        let active = 0;
        let most = 0;
        const work = async (index: number) => {
            most = Math.max(most, ++active);
            await sleep(2);
            active -= 1;
            if (index === 1) {
                throw new Error("one");
            }
            return index;
        };
        const all = await Promise.allSettled([0, 1, 2, 3, 4].map((index) => limited(() => work(index))));
        assert.deepEqual(
            all.map(({ status }) => status),
            ["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"],
        );
        assert.equal(most, 2);
    });
});
