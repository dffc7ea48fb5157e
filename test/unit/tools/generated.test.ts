import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { runProgram } from "../../../tools/monitor";
import { GeneratedValues } from "../../../tools/rehearsal/generated";

describe("generated values of the rehearsal", () => {
    let directory: string;
    beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "generated-"))));
    afterEach(() => rmSync(directory, { recursive: true }));

    const run = async () => {
        const generated = new GeneratedValues(join(directory, "generated.json"));
        let secret: boolean | undefined;
        const { outputs } = await runProgram({
            program: async () => {
                const args = { length: 24, minNumeric: 3, minUpper: 2, special: false };
                const password = new random.RandomPassword("password", args);
                const text = new random.RandomString("text", {
                    length: 6,
                    upper: false,
                    special: false,
                    numeric: false,
                });
                const id = new random.RandomId("id", { byteLength: 4, prefix: "a-" });
                secret = await pulumi.isSecret(password.result);
                return {
                    password: password.result,
                    text: text.result,
                    hex: id.hex,
                    uuid: new random.RandomUuid("u").result,
                };
            },
            project: "shop",
            stack: "dev",
            config: {},
            onResource: (resource) => generated.make(resource),
        });
        return { outputs, secret };
    };

    it("makes what was asked for, keeps it for the next run, and lets nobody else read it", async () => {
        const first = await run();
        const { password, text, hex, uuid } = first.outputs;
        assert.match(String(password), /^(?=(.*\d){3})(?=(.*[A-Z]){2})[A-Za-z0-9]{24}$/);
        assert.match(String(text), /^[a-z]{6}$/);
        assert.match(String(hex), /^a-[0-9a-f]{8}$/);
        assert.match(String(uuid), /^[0-9a-f-]{36}$/);
        assert.equal(first.secret, true);
        assert.deepEqual(await run(), first);
        assert.equal(statSync(join(directory, "generated.json")).mode & 0o777, 0o600);
    });
});
