import assert from "node:assert/strict";
import { RunError } from "@pulumi/pulumi";
import { describeError, UserError } from "../../../tools/errors";
import { output, run } from "../../../tools/process";

const node = (script: string) => ({ program: process.execPath, args: ["-e", script] });

describe("running programs", () => {
    it("gives both outputs and the code, hands input over, and tells every line", async () => {
        const lines: string[] = [];
        const script =
            "process.stdin.on('data', (d) => { console.log('got ' + d); console.error('bad'); process.exit(3); })";
        const ended = await run({ ...node(script), input: "it", onLine: (line) => lines.push(line) });
        assert.deepEqual(ended, { code: 3, stdout: "got it\n", stderr: "bad\n" });
        assert.deepEqual(lines.sort(), ["bad", "got it"]);
    });

    it("minds neither input that is not read nor characters that come in two parts", async () => {
        const script =
            "const b = Buffer.from('é'); process.stdout.write(b.subarray(0, 1), () => setTimeout(() => process.stdout.write(b.subarray(1)), 20))";
        assert.equal(await output({ ...node(script), input: "x".repeat(1 << 20) }), "é");
    });

    it("says what failed with its last words", async () => {
        const failing = output(node("for (let i = 0; i < 9; i++) console.error('line ' + i); process.exit(2)"));
        await assert.rejects(failing, {
            name: "ProcessError",
            reason: "line 3\nline 4\nline 5\nline 6\nline 7\nline 8",
        });
        await assert.rejects(run({ program: "/no/such/program", args: [] }), { code: "ENOENT" });
    });
});

describe("errors on the terminal", () => {
    it("show the message and the fix, and a stack of nothing but defects", () => {
        assert.equal(describeError(new UserError("It is off.", "Turn it on.")), "It is off.\n  Turn it on.");
        assert.equal(describeError(new UserError("It is off.")), "It is off.");
        assert.equal(describeError(new RunError("The config is wrong.")), "The config is wrong.");
        assert.match(describeError(new TypeError("x is no function")), /^TypeError: x is no function\n {4}at /);
    });
});
