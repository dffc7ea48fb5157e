import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Helm } from "../../../tools/rehearsal/helm";
import { applyRelease, chartName, readRelease, type Release } from "../../../tools/rehearsal/release";

/**
 * Stands in for helm: answers from `answers.json` by the command's first word, or its first two, and keeps a record of
 * how it was called. Answers that are lists of texts are given one after the other.
 */
const fakeHelm = `#!${process.execPath}
const fs = require("node:fs"), path = require("node:path");
const here = path.dirname(process.argv[1]), args = process.argv.slice(2);
const input = fs.readFileSync(0, "utf8");
fs.appendFileSync(path.join(here, "calls"), JSON.stringify({ args, input, kubeconfig: process.env.KUBECONFIG }) + "\\n");
const file = path.join(here, "answers.json");
const answers = JSON.parse(fs.readFileSync(file, "utf8"));
const key = [args.slice(0, 2).join(" "), args[0]].find((key) => key in answers);
const answer = Array.isArray(answers[key]) ? answers[key].shift() : answers[key];
fs.writeFileSync(file, JSON.stringify(answers));
if (answer && answer.startsWith("Error")) { console.error(answer); process.exit(1); }
console.log(answer ?? "");
`;

interface Call {
    args: string[];
    input: string;
}

describe("releases of the rehearsal", () => {
    let directory: string;
    let helm: Helm;

    const answer = (answers: Record<string, string | string[]>) =>
        writeFileSync(join(directory, "answers.json"), JSON.stringify(answers));
    const calls = () => {
        const file = join(directory, "calls");
        const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
        return lines.map((line): Call => {
            const call: unknown = JSON.parse(line);
            assert.ok(typeof call === "object" && call !== null && "args" in call && "input" in call);
            assert.ok(Array.isArray(call.args) && typeof call.input === "string");
            return { args: call.args.map(String), input: call.input };
        });
    };
    const commands = () => calls().map(({ args }) => args[0]);
    const listed = (status: string, chart = "istiod-1.2.3") =>
        JSON.stringify([{ name: "istiod", revision: "4", status, chart }]);
    const release = (inputs: Record<string, unknown> = {}): Release =>
        readRelease(
            {
                name: "istiod",
                namespace: "mesh",
                chart: "./istiod-1.2.3.tgz",
                version: "1.2.3",
                timeout: 90,
                ...inputs,
            },
            "resource",
        );

    beforeEach(() => {
        directory = mkdtempSync(join(tmpdir(), "helm-"));
        const program = join(directory, "helm");
        writeFileSync(program, fakeHelm);
        chmodSync(program, 0o700);
        writeFileSync(join(directory, "istiod-1.2.3.tgz"), "");
        helm = new Helm(program, join(directory, "kubeconfig"), directory, directory);
    });

    afterEach(() => rmSync(directory, { recursive: true }));

    it("installs, waits, and hands the values over by a pipe", async () => {
        answer({ list: "[]" });
        const values = { password: "secret", deep: { a: [1] } };
        assert.deepEqual(await applyRelease(helm, release({ values }), directory), { outcome: "created" });
        const upgrade = calls().at(-1);
        assert.deepEqual(upgrade?.args.slice(0, 4), ["upgrade", "--install", "istiod", "./istiod-1.2.3.tgz"]);
        assert.match(
            upgrade?.args.join(" ") ?? "",
            /--version 1\.2\.3 -n mesh --timeout 90s --wait --values - --kubeconfig/,
        );
        assert.deepEqual(JSON.parse(upgrade?.input ?? ""), values);
        assert.doesNotMatch(upgrade?.args.join(" ") ?? "", /secret/);
    });

    it("leaves a release alone that has this chart and these values", async () => {
        answer({ list: listed("deployed"), "get values": '{"b":{"c":1},"a":true}' });
        const values = { a: true, b: { c: 1 } };
        assert.deepEqual(await applyRelease(helm, release({ values }), directory), { outcome: "unchanged" });
        assert.deepEqual(commands(), ["list", "get"]);
    });

    const upgradesAfter: Record<string, Record<string, string>> = {
        "other values": { list: listed("deployed"), "get values": '{"a":false}' },
        "another chart version": { list: listed("deployed", "istiod-1.2.2") },
        "a failure before": { list: listed("failed") },
    };
    for (const [what, answers] of Object.entries(upgradesAfter)) {
        it(`upgrades after ${what}`, async () => {
            answer(answers);
            assert.deepEqual(await applyRelease(helm, release(), directory), { outcome: "changed" });
            assert.equal(commands().at(-1), "upgrade");
        });
    }

    it("brings an interrupted upgrade back to the last revision that stood, then upgrades", async () => {
        const history = [
            { revision: 2, status: "superseded" },
            { revision: 3, status: "deployed" },
            { revision: 4, status: "pending-upgrade" },
        ];
        answer({
            list: [listed("pending-upgrade"), listed("deployed")],
            history: JSON.stringify(history),
            "get values": '{"old":1}',
        });
        assert.deepEqual(await applyRelease(helm, release(), directory), { outcome: "changed" });
        assert.deepEqual(commands(), ["list", "history", "rollback", "list", "get", "upgrade"]);
        assert.deepEqual(calls()[2]?.args.slice(0, 3), ["rollback", "istiod", "3"]);
    });

    it("takes an interrupted install away and installs anew", async () => {
        answer({ list: [listed("pending-install"), "[]"], history: "[]" });
        assert.deepEqual(await applyRelease(helm, release(), directory), { outcome: "created" });
        assert.deepEqual(commands(), ["list", "history", "uninstall", "list", "upgrade"]);
    });

    it("leaves a release out whose chart cannot be had, and says why", async () => {
        const grafana = release({ name: "grafana", chart: "./grafana-1.tgz", version: "1" });
        assert.deepEqual(await applyRelease(helm, grafana, directory), {
            outcome: "left out",
            note: "its chart cannot be had: there is no ./grafana-1.tgz",
        });
        answer({ "show chart": "Error: no such host" });
        const remote = release({
            name: "grafana",
            chart: "grafana",
            repositoryOpts: { repo: "https://charts.invalid" },
        });
        assert.equal((await applyRelease(helm, remote, directory)).outcome, "left out");
    });

    it("never leaves Istio or cert-manager out", async () => {
        for (const chart of ["./istiod-9.tgz", "./charts/cert-manager-9.tgz", "./base-9.tgz", "./gateway-9.tgz"]) {
            await assert.rejects(applyRelease(helm, release({ chart, version: "9" }), directory), /cannot be had/);
        }
    });

    it("says which release failed, why, and that it was time", async () => {
        answer({ list: "[]", upgrade: "Error: context deadline exceeded" });
        await assert.rejects(applyRelease(helm, release(), directory), {
            message:
                "The release istiod in mesh failed: it was not ready within 90 s: Error: context deadline exceeded",
        });
    });

    it("knows a chart's name wherever the chart is", () => {
        assert.equal(chartName({ chart: "./a/cert-manager-v1.2.3.tgz", version: "v1.2.3" }), "cert-manager");
        assert.equal(chartName({ chart: "oci://host/charts/base", version: "1" }), "base");
        assert.equal(chartName({ chart: "gateway", version: undefined }), "gateway");
    });
});
